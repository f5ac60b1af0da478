#include <fmt/format.h>

#include <optional>

#include "strata/base/bytes/byte_reader.h"
#include "strata/base/bytes/hash.h"
#include "strata/base/bytes/mapped_file.h"
#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/ir/plan/verify.h"
#include "strata/machine/cpu_target.h"
#include "strata/runtime/machine_code/sources_hash.h"
#include "strata/runtime/program/layout.h"
#include "strata/runtime/program/program_file.h"

namespace strata::runtime {
namespace {

template <class T>
T unwrap(base::Result<T> value) {
  if (!value) throw value.error();
  return std::move(*value);
}

/// Bytes of a file, or of an object that was linked.
struct Source {
  std::span<const std::byte> bytes;
  std::string name;
  std::shared_ptr<const void> owner;                                  ///< null: the bytes stay anyway
  std::optional<std::span<const BoundKernel>> linked = std::nullopt;  ///< code that is in the process already
};

/// The content, if its header and hash are right.
std::span<const std::byte> checked_content(const Source& file) {
  base::ByteReader reader(file.bytes, file.name);
  unwrap(reader.expect(kProgramMagic, "magic of a program file"));
  const auto format = unwrap(reader.little<uint32_t>("format"));
  if (format != kProgramFormat)
    throw base::Error(base::code::kForeignProgramFile,
                      fmt::format("{}: a program file of format {}, expected {}", file.name, format, kProgramFormat))
        .hint("write it again with this version: strata compile");
  if (const auto zero = unwrap(reader.little<uint32_t>("reserved field")); zero != 0)
    throw reader.fail("reserved field", "0", std::to_string(zero));
  const auto bytes = unwrap(reader.little<uint64_t>("size"));
  base::Hash128 hash;
  hash.lo = unwrap(reader.little<uint64_t>("hash"));
  hash.hi = unwrap(reader.little<uint64_t>("hash"));
  if (bytes != reader.remaining())
    throw reader.fail("content", fmt::format("{} bytes", bytes), fmt::format("{}", reader.remaining()));
  const auto content = unwrap(reader.take(bytes, "content"));
  if (base::hash_bytes(content) != hash)
    throw reader.fail("content", "hash " + hash.hex(), base::hash_bytes(content).hex() + ": it is damaged");
  return content;
}

class ProgramReader {
 public:
  ProgramReader(Source file, const ReadProgramOptions& options)
      : options_(options), file_(std::move(file)), reader_(checked_content(file_), file_.name) {}

  ProgramFile read() {
    const std::string build = text("build"), isa = text("instruction set");
    recorded_ = take("recorded program");
    const std::string_view plan_text = take("plan");
    ProgramFile result;
    for (uint64_t left = list("weights"); left > 0; --left) {
      WeightReference w;
      w.parameter = text("parameter");
      w.file = text("weights' file");
      w.tensor = text("tensor");
      result.weights.push_back(std::move(w));
    }
    result.recompiled = refusal(build, isa);
    if (!result.recompiled.empty()) {
      if (!options_.compile || options_.recorded)
        throw base::Error(base::code::kForeignProgramFile, fmt::format("{}: {}", file_.name, result.recompiled))
            .hint("write it again here, or load it where the compiler is linked: strata compile");
      result.program = options_.compile(recorded_graph());
      return result;
    }
    isa_ = isa;
    for (uint64_t left = list("objects"); left > 0; --left) {
      const std::string_view bytes = take("object");
      const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
      objects_.push_back(ObjectCode::load({first, first + bytes.size()}));
    }
    const std::shared_ptr<const ir::Graph> like = options_.recorded ? options_.recorded() : nullptr;
    const ir::ProgramNames names{like.get()};
    const auto plan = unwrap(ir::parse_plan(plan_text, options_.ops, like ? &names : nullptr));
    if (const auto fault = ir::find_plan_fault(*plan)) throw reader_.fail("plan", "a sound one", *fault);
    result.program = executable(plan, recorded_source(), options_.compile);
    if (!reader_.at_end()) throw reader_.fail("end", "no more bytes", std::to_string(reader_.remaining()));
    return result;
  }

 private:
  uint64_t number(std::string_view what) { return unwrap(reader_.little<uint64_t>(what)); }
  /// The length of a list, each entry of which takes 8 bytes or more.
  uint64_t list(std::string_view what) {
    const uint64_t count = number(what);
    if (count > reader_.remaining() / 8)
      throw reader_.fail(what, fmt::format("at most {} entries", reader_.remaining() / 8), std::to_string(count));
    return count;
  }
  std::string_view take(std::string_view what) {
    const auto bytes = unwrap(reader_.take(number(what), what));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::string text(std::string_view what) { return std::string(take(what)); }

  /// Why the code of the file can't run here, or nothing.
  static std::string refusal(const std::string& build, const std::string& isa) {
    if (build != sources_hash())
      return fmt::format("it was written by build {}, and this is build {}", build.substr(0, 12),
                         sources_hash().substr(0, 12));
    const auto cpu = machine::find_cpu_target(isa);
    if (!cpu || !machine::host_can_run(*cpu))
      return fmt::format("its code is for {}, and this CPU runs {} at most", isa, machine::host_cpu_target().name);
    return {};
  }

  std::shared_ptr<const ir::Graph> recorded_graph() const { return recorded_source()(); }

  /// The recorded program, parsed when it is asked for: most runs never need it.
  RecordedGraph recorded_source() const {
    if (options_.recorded) return options_.recorded;
    return [owner = file_.owner, text = recorded_, &ops = options_.ops]() -> std::shared_ptr<const ir::Graph> {
      return unwrap(ir::parse_graph(text, ops));
    };
  }

  /// The programs of the plan's regions, which stand in the nodes of its commands.
  static std::vector<ir::GraphRef> region_graphs(const ir::Plan& plan) {
    std::vector<ir::GraphRef> graphs(plan.regions.size());
    for (const ir::PlanCommand& c : plan.commands)
      for (size_t i = 0; i < c.regions.size(); ++i) graphs[c.regions[i]] = c.node->regions()[i];
    return graphs;
  }

  BoundKernel kernel(const std::string& name, const ir::Plan& plan) {
    const uint64_t place = number("object of a kernel");
    const size_t places = file_.linked ? file_.linked->size() : objects_.size();
    if (place >= places)
      throw reader_.fail("object of a kernel", fmt::format("one of {}", places), std::to_string(place));
    BoundKernel k;
    if (file_.linked) {
      k = (*file_.linked)[place];
    } else {
      k.native = objects_[place];
      const LoadedKernel code = k.native->find(name);
      k.run = code.run;
      k.needs = code.needs;
    }
    k.looks_at_results = number("kernel") != 0;
    for (uint64_t left = list("dimensions of a kernel"); left > 0; --left) {
      const uint64_t d = number("dimension");
      if (d >= plan.dims.size())
        throw reader_.fail("dimension", fmt::format("one of {}", plan.dims.size()), std::to_string(d));
      k.dims.push_back(d);
    }
    return k;
  }

  std::shared_ptr<const Executable> part(const std::shared_ptr<const ir::Plan>& plan,
                                         const std::shared_ptr<const ir::Graph>& body) {
    return executable(plan, [body] { return body; }, options_.compile_part ? options_.compile_part : options_.compile);
  }

  std::shared_ptr<const Executable> executable(const std::shared_ptr<const ir::Plan>& plan,
                                               const RecordedGraph& recorded, const CompileFunction& compile) {
    if (const uint64_t count = number("kernels"); count != plan->kernels.size())
      throw reader_.fail("kernels", std::to_string(plan->kernels.size()), std::to_string(count));
    std::vector<BoundKernel> kernels;
    for (const std::string& name : plan->kernels) kernels.push_back(kernel(name, *plan));
    if (const uint64_t count = number("regions"); count != plan->regions.size())
      throw reader_.fail("regions", std::to_string(plan->regions.size()), std::to_string(count));
    std::vector<std::shared_ptr<const Executable>> regions;
    const std::vector<ir::GraphRef> bodies = region_graphs(*plan);
    for (size_t i = 0; i < bodies.size(); ++i) regions.push_back(part(plan->regions[i], bodies[i]));
    if (const uint64_t count = number("prologue"); count != plan->prologue.size())
      throw reader_.fail("prologue", std::to_string(plan->prologue.size()), std::to_string(count));
    std::vector<std::shared_ptr<const Executable>> prologue;
    for (const ir::PlanPrologue& p : plan->prologue) prologue.push_back(part(p.plan, p.plan->graph));
    OwnProgramOf own;
    if (!plan->entry.empty()) {
      auto programs = std::make_shared<OwnPrograms>(recorded, plan->entry, compile);
      own.empty_axes = [programs](const ir::DimBinding& dims) { return programs->of(dims); };
    }
    return std::make_shared<const Executable>(plan, std::move(kernels), std::move(regions), std::move(own),
                                              ProgramOrigin{recorded, isa_}, std::move(prologue));
  }

  const ReadProgramOptions& options_;
  Source file_;
  base::ByteReader reader_;
  std::string_view recorded_;
  std::string isa_;
  std::vector<std::shared_ptr<const ObjectCode>> objects_;
};

}  // namespace

ProgramFile read_program(const std::string& path, const ReadProgramOptions& options) {
  const auto file = std::make_shared<const base::MappedFile>(unwrap(base::MappedFile::open(path)));
  try {
    return ProgramReader({file->bytes(), file->path(), file}, options).read();
  } catch (base::Error& error) {
    throw error.note("while reading the program file " + path);
  }
}

ProgramFile read_program_image(std::span<const std::byte> image, const std::string& source,
                               std::span<const BoundKernel> kernels, const ReadProgramOptions& options) {
  return ProgramReader({image, source, nullptr, kernels}, options).read();
}

}  // namespace strata::runtime
