#include "strata/runtime/machine_code/object_writer.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "strata/base/bytes/byte_writer.h"
#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"

namespace strata::runtime {
namespace {

/// A text table: each name is followed by a zero.
class Names {
 public:
  uint32_t add(const std::string& name) {
    const auto [known, is_new] = places_.emplace(name, static_cast<uint32_t>(text_.size()));
    if (is_new) text_ += name + '\0';
    return known->second;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_ = std::string(1, '\0');
  std::map<std::string, uint32_t> places_{{"", 0}};
};

struct Section {
  std::string name, bytes;
  uint64_t flags = 0, alignment = 1;
  std::vector<Elf64_Rela> relocations;  ///< r_info holds symbols by their place in `symbols`, before they are sorted
};

struct PendingSymbol {
  std::string name;
  Elf64_Sym symbol{};
};

template <class T>
T at(std::span<const std::byte> bytes, uint64_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

std::string text_at(std::span<const std::byte> bytes, uint64_t offset) {
  std::string text;
  for (; offset < bytes.size() && bytes[offset] != std::byte{0}; ++offset) text += static_cast<char>(bytes[offset]);
  return text;
}

template <class T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

}  // namespace

struct ObjectWriter::State {
  std::vector<Section> sections;  ///< section i has the number i + 1 in the file
  std::vector<PendingSymbol> symbols;
  std::vector<std::map<std::string, Symbol>> functions;  ///< by object
  std::map<std::string, uint64_t> undefined;             ///< places in `symbols`
  std::vector<uint64_t> symbol_of_section;               ///< the same, by section

  uint32_t add_section(Section section) {
    sections.push_back(std::move(section));
    const auto number = static_cast<uint32_t>(sections.size());
    Elf64_Sym symbol{};
    symbol.st_info = ELF64_ST_INFO(STB_LOCAL, STT_SECTION);
    symbol.st_shndx = static_cast<Elf64_Half>(number);
    symbol_of_section.push_back(symbols.size());
    symbols.push_back({"", symbol});
    return number;
  }

  uint64_t undefined_symbol(const std::string& name) {
    const auto [known, is_new] = undefined.emplace(name, symbols.size());
    if (is_new) {
      Elf64_Sym symbol{};
      symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
      symbols.push_back({name, symbol});
    }
    return known->second;
  }
};

ObjectWriter::ObjectWriter() : state_(std::make_unique<State>()) {}
ObjectWriter::~ObjectWriter() = default;

uint32_t ObjectWriter::add_object(const ObjectCode& object) {
  // What the loader has accepted (object_code.cpp) lies within its bytes, and has no other kinds of relocation.
  const std::span<const std::byte> bytes = object.object();
  const auto header = at<Elf64_Ehdr>(bytes, 0);
  std::vector<Elf64_Shdr> headers;
  for (int i = 0; i < header.e_shnum; ++i)
    headers.push_back(at<Elf64_Shdr>(bytes, header.e_shoff + i * sizeof(Elf64_Shdr)));
  std::vector<uint32_t> number(headers.size());
  for (size_t i = 0; i < headers.size(); ++i) {
    const Elf64_Shdr& h = headers[i];
    if (!(h.sh_flags & SHF_ALLOC)) continue;
    Section section{.name = h.sh_flags & SHF_EXECINSTR ? ".text" : ".rodata",
                    .bytes = {reinterpret_cast<const char*>(bytes.data() + h.sh_offset), h.sh_size},
                    .flags = h.sh_flags & (SHF_ALLOC | SHF_EXECINSTR),  // constants aren't merged: they are few
                    .alignment = h.sh_addralign,
                    .relocations = {}};
    number[i] = state_->add_section(std::move(section));
  }
  std::map<std::string, Symbol>& functions = state_->functions.emplace_back();
  std::vector<uint64_t> place;  // of its symbols among ours
  for (const Elf64_Shdr& h : headers) {
    if (h.sh_type != SHT_SYMTAB) continue;
    for (uint64_t i = 0; i < h.sh_size / sizeof(Elf64_Sym); ++i) {
      auto symbol = at<Elf64_Sym>(bytes, h.sh_offset + i * sizeof(Elf64_Sym));
      const std::string name = text_at(bytes, headers[h.sh_link].sh_offset + symbol.st_name);
      if (symbol.st_shndx == SHN_UNDEF) {
        place.push_back(name.empty() ? 0 : state_->undefined_symbol(name));
        continue;
      }
      if (symbol.st_shndx >= number.size() || number[symbol.st_shndx] == 0) {
        place.push_back(0);  // the source file's name, or of a section that is not loaded
        continue;
      }
      const uint32_t section = number[symbol.st_shndx];
      if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC) functions[name] = {section, symbol.st_value};
      symbol.st_shndx = static_cast<Elf64_Half>(section);
      symbol.st_info = ELF64_ST_INFO(STB_LOCAL, ELF64_ST_TYPE(symbol.st_info));
      symbol.st_other = STV_DEFAULT;
      place.push_back(state_->symbols.size());
      state_->symbols.push_back({ELF64_ST_TYPE(symbol.st_info) == STT_SECTION ? "" : name, symbol});
    }
  }
  for (const Elf64_Shdr& h : headers) {
    if (h.sh_type != SHT_RELA || h.sh_info >= number.size() || number[h.sh_info] == 0) continue;
    for (uint64_t i = 0; i < h.sh_size / sizeof(Elf64_Rela); ++i) {
      auto relocation = at<Elf64_Rela>(bytes, h.sh_offset + i * sizeof(Elf64_Rela));
      relocation.r_info = ELF64_R_INFO(place[ELF64_R_SYM(relocation.r_info)], ELF64_R_TYPE(relocation.r_info));
      state_->sections[number[h.sh_info] - 1].relocations.push_back(relocation);
    }
  }
  return static_cast<uint32_t>(state_->functions.size() - 1);
}

ObjectWriter::Symbol ObjectWriter::function(uint32_t object, const std::string& name) const {
  const auto found = state_->functions[object].find(name);
  if (found == state_->functions[object].end())
    throw base::Error(base::code::kUnloadableObject,
                      fmt::format("object can't be linked: it has no function '{}'", name));
  return found->second;
}

ObjectWriter::Symbol ObjectWriter::add_data(std::string bytes, uint64_t alignment, std::vector<Address> addresses) {
  Section section{.name = addresses.empty() ? ".rodata.strata" : ".data.rel.ro.strata",
                  .bytes = std::move(bytes),
                  .flags = addresses.empty() ? uint64_t{SHF_ALLOC} : uint64_t{SHF_ALLOC | SHF_WRITE},
                  .alignment = alignment,
                  .relocations = {}};
  for (const Address& a : addresses)
    section.relocations.push_back({a.offset, ELF64_R_INFO(state_->symbol_of_section[a.to.section - 1], R_X86_64_64),
                                   static_cast<Elf64_Sxword>(a.to.offset)});
  return {state_->add_section(std::move(section)), 0};
}

void ObjectWriter::publish(const std::string& name, Symbol place, uint64_t bytes) {
  Elf64_Sym symbol{};
  symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
  symbol.st_shndx = static_cast<Elf64_Half>(place.section);
  symbol.st_value = place.offset;
  symbol.st_size = bytes;
  state_->symbols.push_back({name, symbol});
}

namespace {

/// Puts the parts of the file one after the other.
class FileLayout {
 public:
  explicit FileLayout(size_t sections) { headers_.reserve(sections); }

  void add(const std::string& name, Elf64_Shdr header, const std::string& content) {
    header.sh_name = names_.add(name);
    while (out_.size() % std::max<uint64_t>(header.sh_addralign, 1) != 0) out_ += '\0';
    header.sh_offset = out_.size();
    header.sh_size = content.size();
    out_ += content;
    headers_.push_back(header);
  }

  std::string finish() {
    add(".shstrtab", {.sh_type = SHT_STRTAB, .sh_addralign = 1}, with_own_name());
    while (out_.size() % 8 != 0) out_ += '\0';
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_REL;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_shoff = out_.size();
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<Elf64_Half>(headers_.size() + 1);
    header.e_shstrndx = static_cast<Elf64_Half>(headers_.size());
    std::memcpy(out_.data(), &header, sizeof(header));
    append(out_, Elf64_Shdr{});
    for (const Elf64_Shdr& h : headers_) append(out_, h);
    return std::move(out_);
  }

 private:
  std::string with_own_name() {
    names_.add(".shstrtab");
    return names_.text();
  }

  std::string out_ = std::string(sizeof(Elf64_Ehdr), '\0');
  Names names_;
  std::vector<Elf64_Shdr> headers_;
};

}  // namespace

std::string ObjectWriter::bytes() const {
  // Local symbols come first, and the symbol table says how many there are.
  Names names;
  std::string table;
  append(table, Elf64_Sym{});
  std::vector<uint64_t> number(state_->symbols.size());
  uint64_t count = 1, locals = 0;
  for (const bool is_local : {true, false}) {
    for (size_t i = 0; i < state_->symbols.size(); ++i) {
      Elf64_Sym symbol = state_->symbols[i].symbol;
      if ((ELF64_ST_BIND(symbol.st_info) == STB_LOCAL) != is_local) continue;
      symbol.st_name = names.add(state_->symbols[i].name);
      append(table, symbol);
      number[i] = count++;
    }
    if (is_local) locals = count;
  }
  const size_t sections = state_->sections.size();
  if (2 * sections + 5 >= SHN_LORESERVE)
    throw base::Error(base::code::kUnwritableProgram,
                      fmt::format("an object of {} sections has more than ELF can number", sections));
  FileLayout file(2 * sections + 5);
  for (const Section& s : state_->sections)
    file.add(s.name, {.sh_type = SHT_PROGBITS, .sh_flags = s.flags, .sh_addralign = s.alignment}, s.bytes);
  file.add(".note.GNU-stack", {.sh_type = SHT_PROGBITS, .sh_addralign = 1}, "");
  const auto symbol_table = static_cast<Elf64_Word>(sections + 2);
  file.add(".symtab",
           {.sh_type = SHT_SYMTAB,
            .sh_link = symbol_table + 1,
            .sh_info = static_cast<Elf64_Word>(locals),
            .sh_addralign = 8,
            .sh_entsize = sizeof(Elf64_Sym)},
           table);
  file.add(".strtab", {.sh_type = SHT_STRTAB, .sh_addralign = 1}, names.text());
  for (size_t i = 0; i < sections; ++i) {
    const Section& s = state_->sections[i];
    if (s.relocations.empty()) continue;
    std::string content;
    for (Elf64_Rela r : s.relocations) {
      r.r_info = ELF64_R_INFO(number[ELF64_R_SYM(r.r_info)], ELF64_R_TYPE(r.r_info));
      append(content, r);
    }
    file.add(".rela" + s.name,
             {.sh_type = SHT_RELA,
              .sh_flags = SHF_INFO_LINK,
              .sh_link = symbol_table,
              .sh_info = static_cast<Elf64_Word>(i + 1),
              .sh_addralign = 8,
              .sh_entsize = sizeof(Elf64_Rela)},
             content);
  }
  return file.finish();
}

}  // namespace strata::runtime
