#include "strata/embed/write_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>

#include "strata/base/bytes/byte_writer.h"
#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/embed/program_image.h"
#include "strata/embed/signature.h"
#include "strata/ir/graph/entry_conditions.h"
#include "strata/runtime/machine_code/object_writer.h"
#include "strata/runtime/program/program_file.h"

namespace strata::embed {

using runtime::ObjectWriter;

namespace {

constexpr uint64_t kDataAlignment = 64;

[[noreturn]] void refuse(const runtime::Executable& program, const std::string& why) {
  throw base::Error(base::code::kUnwritableProgram, program.plan().name + ": " + why);
}

/// The parameter's type; refuses what can't be embedded.
ir::Type type_of_weight(const runtime::Executable& program, const EmbeddedWeight& weight) {
  const ir::Plan& plan = program.plan();
  const auto recorded = program.origin().recorded();
  for (size_t i = 0; i < plan.given_arguments(); ++i) {
    if (recorded->parameter_name(static_cast<int>(i)) != weight.parameter) continue;
    const ir::Type type = plan.buffers[plan.arguments[i]].type;
    if (!type.is_static())
      refuse(program,
             fmt::format("parameter '{}', {}, has no fixed shape: it can't be embedded", weight.parameter, type.str()));
    std::vector<int64_t> shape;
    for (ir::Dim d : type.shape()) shape.push_back(d.evaluate([](std::string_view) { return 0; }));
    if (weight.array.encoding() != type.encoding() || weight.array.shape() != shape)
      refuse(program,
             fmt::format("parameter '{}' is {}, and its weight is of another type", weight.parameter, type.str()));
    return type;
  }
  refuse(program, fmt::format("it has no parameter '{}'", weight.parameter));
}

Signature without_embedded(const runtime::Executable& program, const ObjectOptions& options) {
  return signature_of(program, [&](std::string_view name) {
    return std::ranges::any_of(options.weights, [&](const EmbeddedWeight& w) { return w.parameter == name; });
  });
}

/// Behind strata_ in embed.h: names that a program's own would collide with.
constexpr std::string_view kTaken[] = {"array",   "create", "destroy",   "dtype",   "message", "output_elements",
                                       "program", "run",    "run_sizes", "session", "status",  "symbol"};

void require_writable(const runtime::Executable& program, const ObjectOptions& options) {
  if (options.name.empty() || c_name(options.name) != options.name)
    refuse(program, fmt::format("'{}' is no name for C; '{}' is one", options.name, c_name(options.name)));
  if (std::ranges::find(kTaken, options.name) != std::end(kTaken))
    refuse(program, fmt::format("strata_{0} is a name of strata/embed/embed.h; '{0}_' is free", options.name));
  for (const EmbeddedWeight& w : options.weights) type_of_weight(program, w);
  const Signature signature = without_embedded(program, options);
  for (size_t i = 0; i < signature.outputs.size(); ++i)
    for (ir::Dim d : signature.outputs[i].shape()) {
      std::vector<std::string> found;
      d.collect_symbols(found);
      for (const std::string& s : found)
        if (std::ranges::find(signature.symbols, s) == signature.symbols.end())
          refuse(program, fmt::format("result {} is {}, and only a run tells {}: its caller can't bring the memory", i,
                                      signature.outputs[i].str(), s));
    }
}

/// Fields of 8 bytes, some of which are addresses.
class Fields {
 public:
  Fields& number(uint64_t value) {
    out_.little(value);
    return *this;
  }
  Fields& address(ObjectWriter::Symbol to) {
    addresses_.push_back({out_.size(), to});
    return number(0);
  }
  size_t size() const { return out_.size(); }
  /// Where they came to lie; an empty list lies nowhere that is read.
  ObjectWriter::Symbol put(ObjectWriter& object) const {
    return object.add_data(out_.size() > 0 ? out_.str() : std::string(8, '\0'), 8, addresses_);
  }

 private:
  base::ByteWriter out_;
  std::vector<ObjectWriter::Address> addresses_;
};

ObjectWriter::Symbol put_kernels(ObjectWriter& object, std::span<const runtime::LinkedKernel> kernels) {
  std::map<const runtime::ObjectCode*, uint32_t> numbers;
  Fields fields;
  for (const runtime::LinkedKernel& k : kernels) {
    if (!numbers.contains(k.object.get())) numbers[k.object.get()] = object.add_object(*k.object);
    const uint32_t number = numbers[k.object.get()];
    fields.address(object.function(number, runtime::run_symbol(k.name)))
        .address(object.function(number, runtime::needs_symbol(k.name)));
  }
  return fields.put(object);
}

ObjectWriter::Symbol put_weights(ObjectWriter& object, std::span<const EmbeddedWeight> weights) {
  Fields fields;
  for (const EmbeddedWeight& w : weights) {
    const std::string elements(reinterpret_cast<const char*>(w.array.data()), w.array.bytes());
    fields.address(object.add_data(w.parameter + '\0', 1))
        .address(object.add_data(elements.empty() ? std::string(1, '\0') : elements, kDataAlignment));
  }
  return fields.put(object);
}

}  // namespace

std::string object_of(const runtime::Executable& program, const ObjectOptions& options) {
  require_writable(program, options);
  const runtime::ProgramImage image = runtime::program_image(program);
  ObjectWriter object;
  Fields fields;
  static_assert(offsetof(strata_program, kernels) == 24 && sizeof(strata_program) == 56);
  fields.number(kObjectFormat)
      .address(object.add_data(image.bytes, kDataAlignment))
      .number(image.bytes.size())
      .address(put_kernels(object, image.kernels))
      .number(image.kernels.size())
      .address(put_weights(object, options.weights))
      .number(options.weights.size());
  object.publish("strata_" + options.name + "_program", fields.put(object), fields.size());
  return object.bytes();
}

// ---- the header

namespace {

/// Words of C and C++, macros that their headers and compilers define, the types of <stdint.h>, and what the header's
/// own functions name.
constexpr std::string_view kReserved[] = {"BUFSIZ",
                                          "EOF",
                                          "FILE",
                                          "I",
                                          "INFINITY",
                                          "NAN",
                                          "NULL",
                                          "alignas",
                                          "alignof",
                                          "and",
                                          "and_eq",
                                          "asm",
                                          "auto",
                                          "bitand",
                                          "bitor",
                                          "bool",
                                          "break",
                                          "case",
                                          "catch",
                                          "char",
                                          "char16_t",
                                          "char32_t",
                                          "char8_t",
                                          "class",
                                          "co_await",
                                          "co_return",
                                          "co_yield",
                                          "assert",
                                          "compl",
                                          "complex",
                                          "concept",
                                          "const",
                                          "const_cast",
                                          "consteval",
                                          "constexpr",
                                          "constinit",
                                          "continue",
                                          "decltype",
                                          "default",
                                          "delete",
                                          "do",
                                          "double",
                                          "dynamic_cast",
                                          "else",
                                          "enum",
                                          "errno",
                                          "explicit",
                                          "export",
                                          "extern",
                                          "false",
                                          "float",
                                          "for",
                                          "friend",
                                          "goto",
                                          "i386",
                                          "if",
                                          "imaginary",
                                          "inline",
                                          "inputs",
                                          "int",
                                          "int16_t",
                                          "int32_t",
                                          "int64_t",
                                          "int8_t",
                                          "linux",
                                          "long",
                                          "message",
                                          "mutable",
                                          "namespace",
                                          "new",
                                          "noexcept",
                                          "not",
                                          "not_eq",
                                          "nullptr",
                                          "offsetof",
                                          "operator",
                                          "or",
                                          "or_eq",
                                          "outputs",
                                          "private",
                                          "program",
                                          "protected",
                                          "public",
                                          "register",
                                          "requires",
                                          "restrict",
                                          "return",
                                          "session",
                                          "short",
                                          "signed",
                                          "sizeof",
                                          "sizes",
                                          "static",
                                          "static_assert",
                                          "static_cast",
                                          "stderr",
                                          "stdin",
                                          "stdout",
                                          "struct",
                                          "switch",
                                          "template",
                                          "this",
                                          "thread_local",
                                          "throw",
                                          "true",
                                          "try",
                                          "typedef",
                                          "typeid",
                                          "typename",
                                          "uint16_t",
                                          "uint32_t",
                                          "uint64_t",
                                          "uint8_t",
                                          "union",
                                          "unix",
                                          "unsigned",
                                          "using",
                                          "virtual",
                                          "void",
                                          "volatile",
                                          "wchar_t",
                                          "while",
                                          "xor",
                                          "xor_eq",
                                          "reinterpret_cast"};

/// "_Bool" and all that C keeps for itself, and what embed.h and the header declare: "strata_run_sizes".
bool has_reserved_start(std::string_view name) {
  if (name.starts_with("strata_") || name.starts_with("STRATA_")) return true;
  return name.size() > 1 && name[0] == '_' && (name[1] == '_' || (name[1] >= 'A' && name[1] <= 'Z'));
}

/// Names that differ from each other and from words of C.
class ArgumentNames {
 public:
  std::string take(const std::string& wanted, const std::string& otherwise) {
    std::string name = wanted.empty() ? otherwise : c_name(wanted);
    if (has_reserved_start(name)) name = "x" + name;
    while (std::ranges::find(kReserved, name) != std::end(kReserved) || !taken_.insert(name).second) name += '_';
    return name;
  }

 private:
  std::set<std::string> taken_;
};

const char* c_type(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::f64:
      return "double";
    case ir::DType::f32:
      return "float";
    case ir::DType::f16:
    case ir::DType::bf16:
    case ir::DType::u16:
      return "uint16_t";
    case ir::DType::i8:
      return "int8_t";
    case ir::DType::i16:
      return "int16_t";
    case ir::DType::i32:
      return "int32_t";
    case ir::DType::i64:
      return "int64_t";
    case ir::DType::u32:
      return "uint32_t";
    case ir::DType::u64:
      return "uint64_t";
    case ir::DType::u8:
    case ir::DType::boolean:
      break;
  }
  return "uint8_t";
}

struct Argument {
  std::string name, declaration, comment;
};

struct HeaderParts {
  std::vector<Argument> sizes, inputs, outputs;
};

/// The least size that the object's code is for: with nothing in an axis of a kernel it would take a compiler.
int64_t lowest_of(const ir::Plan& plan, const ir::SymbolFact& fact) {
  constexpr int64_t kMostSteps = 1000;
  int64_t lowest = (fact.lowest + fact.multiple - 1) / fact.multiple * fact.multiple;
  const auto is_empty = [&](const ir::EntryCondition& c) {
    std::vector<std::string> symbols;
    c.value.collect_symbols(symbols);
    return c.lowest > 0 && symbols == std::vector<std::string>{fact.name} &&
           c.value.evaluate([&](std::string_view) { return lowest; }) < c.lowest;
  };
  for (int64_t step = 0; step < kMostSteps && std::ranges::any_of(plan.entry, is_empty); ++step)
    lowest += fact.multiple;
  return lowest;
}

HeaderParts parts_of(const runtime::Executable& program, const ObjectOptions& options) {
  HeaderParts parts;
  ArgumentNames names;
  const Signature signature = without_embedded(program, options);
  const auto recorded = program.origin().recorded();
  for (const std::string& symbol : signature.symbols) {
    const std::string name = names.take(symbol, "size");
    const ir::SymbolFact fact = recorded->facts().of(symbol);
    const int64_t lowest = lowest_of(program.plan(), fact);
    std::string rule = fmt::format("{} or more", lowest);
    if (fact.highest < INT64_MAX) rule = fmt::format("{} to {}", lowest, fact.highest);
    if (fact.multiple > 1) rule += fmt::format(", a multiple of {}", fact.multiple);
    parts.sizes.push_back({name, "int64_t " + name, rule});
  }
  for (const Signature::Input& input : signature.inputs) {
    const std::string name = names.take(input.name, fmt::format("input{}", input.parameter));
    parts.inputs.push_back({name, fmt::format("const {} *{}", c_type(input.type.dtype()), name), input.type.str()});
  }
  for (size_t i = 0; i < signature.outputs.size(); ++i) {
    const ir::Type type = signature.outputs[i];
    const std::string name = names.take("", fmt::format("result{}", i));
    parts.outputs.push_back({name, fmt::format("{} *{}", c_type(type.dtype()), name), type.str()});
  }
  return parts;
}

std::string list(const std::vector<Argument>& arguments) {
  std::string text;
  for (const Argument& a : arguments) text += (text.empty() ? "" : ", ") + a.name;
  return text;
}

/// "const T name[] = {a, b};", or NULL where C has no empty arrays.
std::string array_of(const char* type, const char* name, const std::vector<Argument>& arguments) {
  if (arguments.empty()) return fmt::format("  {}*{} = 0;\n", type, name);
  return fmt::format("  {}{}[] = {{{}}};\n", type, name, list(arguments));
}

std::string run_function(const std::string& prefix, const HeaderParts& parts) {
  std::string declared, documented;
  for (const auto* group : {&parts.sizes, &parts.inputs, &parts.outputs})
    for (const Argument& a : *group) {
      declared += ", " + a.declaration;
      documented += fmt::format(" *   {:<12} {}\n", a.name, a.comment);
    }
  std::string out =
      "/* Runs it. Sizes first, then inputs, then the memory of the outputs; row-major, aligned as the types are:\n "
      "*\n" +
      documented + " *\n * Returns STRATA_OK, or says in `message`, which may be NULL, what is wrong. */\n";
  out += fmt::format("static inline strata_status {0}_run({0} *session{1}, strata_message *message) {{\n", prefix,
                     declared);
  out += array_of("const int64_t ", "sizes", parts.sizes);
  out += array_of("const void *const ", "inputs", parts.inputs);
  out += array_of("void *const ", "outputs", parts.outputs);
  out += fmt::format(
      "  return strata_run_sizes((strata_session *)session, sizes, {}, inputs, {}, outputs, {}, message);\n}}\n",
      parts.sizes.size(), parts.inputs.size(), parts.outputs.size());
  return out;
}

}  // namespace

std::string c_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += fits ? c : '_';
  }
  return name.empty() || (name[0] >= '0' && name[0] <= '9') ? "_" + name : name;
}

std::string header_of(const runtime::Executable& program, const ObjectOptions& options) {
  require_writable(program, options);
  const HeaderParts parts = parts_of(program, options);
  const std::string prefix = "strata_" + options.name;
  std::string guard = "strata_program_" + options.name + "_h";
  std::ranges::transform(guard, guard.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  std::string out = fmt::format(
      "/* The program {} for {}, written by `strata compile --object`. Link the object of the same name and Strata's "
      "C\n"
      " * library, as strata/embed/embed.h says, which also documents statuses and messages. */\n"
      "#ifndef {}\n#define {}\n\n#include \"strata/embed/embed.h\"\n\n#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n",
      program.plan().name, program.origin().isa, guard, guard);
  out += fmt::format(
      "extern const strata_program {0}_program;\n\n/* A {0} that is ready to run, from any thread. */\n"
      "typedef struct {0} {0};\n\n",
      prefix);
  if (!options.weights.empty())
    out += fmt::format("/* {} of the program's parameters are embedded in the object. */\n", options.weights.size());
  out += fmt::format(
      "static inline strata_status {0}_create({0} **session, strata_message *message) {{\n"
      "  strata_session *made = 0;\n"
      "  const strata_status status = strata_create(&{0}_program, &made, message);\n"
      "  *session = ({0} *)made;\n"
      "  return status;\n}}\n\n",
      prefix);
  out += run_function(prefix, parts);
  out += fmt::format(
      "\n/* NULL is fine. */\nstatic inline void {0}_destroy({0} *session) {{ strata_destroy((strata_session "
      "*)session); }}\n\n",
      prefix);
  return out + "#ifdef __cplusplus\n}\n#endif\n#endif\n";
}

}  // namespace strata::embed
