#include "strata/runtime/machine_code/object_code.h"

#include <elf.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/runtime/machine_code/host_functions.h"

namespace strata::runtime {
namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 30;  ///< so that 32-bit distances reach everything
constexpr size_t kStubBytes = 16;

[[noreturn]] void refuse(const std::string& reason) {
  throw base::Error(base::code::kUnloadableObject, "object can't be linked: " + reason);
}

uint64_t aligned(uint64_t offset, uint64_t alignment) {
  return alignment < 2 ? offset : (offset + alignment - 1) / alignment * alignment;
}

}  // namespace

/// Lays the sections out, copies them, and writes the distances between them.
class ObjectLinker {
 public:
  explicit ObjectLinker(ObjectCode& code) : code_(code), bytes_(code.object_) {}

  void link() {
    read_header();
    lay_out();
    map();
    for (const Elf64_Shdr& section : sections_)
      if (section.sh_type == SHT_RELA && is_loaded(section.sh_info)) relocate(section);
    list_functions();
    if (mprotect(code_.memory_, code_.bytes_, PROT_READ | PROT_EXEC) != 0)
      refuse("its memory can't be made executable");
  }

 private:
  /// A copy of what stands at an offset: the bytes need not be aligned.
  template <class T>
  T at(uint64_t offset, std::string_view what) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T))
      refuse(fmt::format("{} lies outside of it", what));
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }
  template <class T>
  T entry(const Elf64_Shdr& table, uint64_t index, std::string_view what) const {
    if (table.sh_entsize != sizeof(T) || index >= table.sh_size / sizeof(T))
      refuse(fmt::format("{} {} is not there", what, index));
    return at<T>(table.sh_offset + index * sizeof(T), what);
  }

  void read_header() {
    const auto header = at<Elf64_Ehdr>(0, "the header");
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) refuse("it is no ELF file");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_X86_64)
      refuse(fmt::format("it is for another machine (ELF machine {})", header.e_machine));
    if (header.e_type != ET_REL) refuse("it is no relocatable file");
    if (header.e_shentsize != sizeof(Elf64_Shdr)) refuse("its section headers have another size");
    for (uint64_t i = 0; i < header.e_shnum; ++i)
      sections_.push_back(at<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr), "a section header"));
    for (const Elf64_Shdr& section : sections_)
      if (section.sh_type == SHT_SYMTAB) symbols_ = &section;
    if (!symbols_ || symbols_->sh_link >= sections_.size()) refuse("it has no symbols");
    if (symbols_->sh_size > bytes_.size()) refuse("its symbols lie outside of it");  // their number sizes the stubs
    names_ = &sections_[symbols_->sh_link];
  }

  void lay_out() {
    places_.assign(sections_.size(), kNowhere);
    for (size_t i = 0; i < sections_.size(); ++i) {
      const Elf64_Shdr& section = sections_[i];
      if (!(section.sh_flags & SHF_ALLOC)) continue;
      if (section.sh_type != SHT_PROGBITS) refuse(fmt::format("section {} is of type {}", i, section.sh_type));
      if (section.sh_flags & SHF_WRITE) refuse(fmt::format("section {} can be written", i));
      if (section.sh_offset > bytes_.size() || bytes_.size() - section.sh_offset < section.sh_size)
        refuse(fmt::format("section {} lies outside of it", i));
      if (section.sh_addralign > 4096) refuse(fmt::format("section {} is aligned to {}", i, section.sh_addralign));
      places_[i] = aligned(end_, section.sh_addralign);
      end_ = places_[i] + section.sh_size;
      if (end_ > kMostBytes) refuse("it is larger than 1 GiB");
    }
    stubs_ = aligned(end_, kStubBytes);
    const uint64_t most_stubs = symbols_->sh_size / sizeof(Elf64_Sym);
    end_ = stubs_ + most_stubs * kStubBytes;
  }

  void map() {
    const uint64_t page = sysconf(_SC_PAGESIZE);
    const size_t bytes = aligned(std::max<uint64_t>(end_, 1), page);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      throw base::Error(base::code::kOutOfMemory, fmt::format("no memory for {} bytes of machine code", bytes));
    code_.memory_ = static_cast<std::byte*>(memory);
    code_.bytes_ = bytes;
    for (size_t i = 0; i < sections_.size(); ++i)
      if (places_[i] != kNowhere && sections_[i].sh_size > 0)
        std::memcpy(code_.memory_ + places_[i], bytes_.data() + sections_[i].sh_offset, sections_[i].sh_size);
  }

  bool is_loaded(uint64_t section) const { return section < places_.size() && places_[section] != kNowhere; }

  std::string name_of(const Elf64_Sym& symbol) const {
    std::string name;
    for (uint64_t i = symbol.st_name;; ++i) {
      if (i >= names_->sh_size) refuse("a symbol's name lies outside of it");
      const char c = at<char>(names_->sh_offset + i, "a symbol's name");
      if (c == 0) return name;
      name += c;
    }
  }

  /// Where a symbol lies from the start of the mapping.
  uint64_t place_of(uint64_t index) {
    const auto symbol = entry<Elf64_Sym>(*symbols_, index, "symbol");
    if (symbol.st_shndx == SHN_UNDEF) return stub(name_of(symbol));
    if (!is_loaded(symbol.st_shndx)) refuse(fmt::format("symbol {} lies in no section that is loaded", index));
    if (symbol.st_value > sections_[symbol.st_shndx].sh_size)
      refuse(fmt::format("symbol {} lies outside of its section", index));
    return places_[symbol.st_shndx] + symbol.st_value;
  }

  uint64_t stub(const std::string& name) {
    if (const auto known = stub_of_.find(name); known != stub_of_.end()) return known->second;
    const auto function = host_function(name);
    if (!function) refuse(fmt::format("it calls '{}', which is no function that kernels may call", name));
    const uint64_t place = stubs_ + stub_of_.size() * kStubBytes;
    constexpr uint8_t kJump[] = {0xff, 0x25, 0x02, 0x00, 0x00, 0x00, 0x90, 0x90};  // jmp *[rip + 2]; nop; nop
    std::memcpy(code_.memory_ + place, kJump, sizeof(kJump));
    const auto target = reinterpret_cast<uintptr_t>(*function);
    std::memcpy(code_.memory_ + place + sizeof(kJump), &target, sizeof(target));
    stub_of_.emplace(name, place);
    return place;
  }

  void relocate(const Elf64_Shdr& table) {
    const uint64_t section = table.sh_info;
    if (table.sh_entsize != sizeof(Elf64_Rela)) refuse("its relocations have another size");
    for (uint64_t i = 0; i < table.sh_size / sizeof(Elf64_Rela); ++i) {
      const auto rela = entry<Elf64_Rela>(table, i, "relocation");
      const uint64_t type = ELF64_R_TYPE(rela.r_info);
      if (type != R_X86_64_PC32 && type != R_X86_64_PLT32) refuse(fmt::format("a relocation is of type {}", type));
      if (rela.r_offset > sections_[section].sh_size || sections_[section].sh_size - rela.r_offset < 4)
        refuse("a relocation lies outside of its section");
      const int64_t limit = kMostBytes;
      if (rela.r_addend < -limit || rela.r_addend > limit) refuse("a relocation leads out of its object");
      const int64_t target = static_cast<int64_t>(place_of(ELF64_R_SYM(rela.r_info))) + rela.r_addend;
      // A distance counts from the instruction's end, which lies up to 4 + 8 bytes behind its place.
      if (target < -12 || target > static_cast<int64_t>(end_)) refuse("a relocation leads out of its object");
      const uint64_t from = places_[section] + rela.r_offset;
      const int64_t distance = target - static_cast<int64_t>(from);
      const auto stored = static_cast<int32_t>(distance);
      if (stored != distance) refuse("a distance has no 32 bits");
      std::memcpy(code_.memory_ + from, &stored, sizeof(stored));
    }
  }

  void list_functions() {
    if (symbols_->sh_entsize != sizeof(Elf64_Sym)) refuse("its symbols have another size");
    for (uint64_t i = 0; i < symbols_->sh_size / sizeof(Elf64_Sym); ++i) {
      const auto symbol = entry<Elf64_Sym>(*symbols_, i, "symbol");
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) continue;
      code_.functions_.emplace(name_of(symbol), code_.memory_ + place_of(i));
    }
  }

  static constexpr uint64_t kNowhere = UINT64_MAX;
  ObjectCode& code_;
  std::span<const std::byte> bytes_;
  std::vector<Elf64_Shdr> sections_;
  const Elf64_Shdr *symbols_ = nullptr, *names_ = nullptr;
  std::vector<uint64_t> places_;  ///< by section: from the start of the mapping
  uint64_t stubs_ = 0, end_ = 0;
  std::unordered_map<std::string, uint64_t> stub_of_;
};

std::string run_symbol(std::string_view kernel_name) { return std::string(kernel_name) + ".run"; }
std::string needs_symbol(std::string_view kernel_name) { return std::string(kernel_name) + ".needs"; }

std::shared_ptr<const ObjectCode> ObjectCode::load(std::vector<std::byte> object) {
  const std::shared_ptr<ObjectCode> code(new ObjectCode);
  code->object_ = std::move(object);
  ObjectLinker(*code).link();
  return code;
}

ObjectCode::~ObjectCode() {
  if (memory_) munmap(memory_, bytes_);
}

const void* ObjectCode::address_of(const std::string& symbol) const {
  const auto found = functions_.find(symbol);
  if (found == functions_.end()) refuse(fmt::format("it has no function '{}'", symbol));
  return found->second;
}

LoadedKernel ObjectCode::find(std::string_view kernel_name) const {
  const auto run = reinterpret_cast<uintptr_t>(address_of(run_symbol(kernel_name))),
             needs = reinterpret_cast<uintptr_t>(address_of(needs_symbol(kernel_name)));
  return {reinterpret_cast<KernelFunction>(run), reinterpret_cast<KernelNeedsFunction>(needs)};
}

}  // namespace strata::runtime
