#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/byte_writer.h"
#include "strata/base/bytes/hash.h"
#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/ir/graph/text/text_form.h"
#include "strata/ir/plan/text/text_form.h"
#include "strata/machine/cpu_target.h"
#include "strata/runtime/machine_code/sources_hash.h"
#include "strata/runtime/program/layout.h"
#include "strata/runtime/program/program_file.h"

namespace strata::runtime {
namespace {

class ProgramWriter {
 public:
  ProgramWriter(const Executable& program, const ProgramFileOptions& options) : program_(program), options_(options) {}

  std::string content() {
    head();
    collect_objects(program_);
    number(objects_.size());
    for (const ObjectCode* object : objects_) bytes(object->object());
    kernels(program_, [&](const BoundKernel& kernel, const std::string&) { return place_.at(kernel.native.get()); });
    return out_.str();
  }

  /// Without machine code: kernels by their place in a list.
  ProgramImage image() {
    head();
    number(0);
    ProgramImage made;
    std::map<std::pair<const ObjectCode*, std::string>, size_t> places;
    kernels(program_, [&](const BoundKernel& kernel, const std::string& name) {
      require_native(kernel);
      const auto [at, is_new] = places.emplace(std::pair(kernel.native.get(), name), made.kernels.size());
      if (is_new) made.kernels.push_back({kernel.native, name});
      return at->second;
    });
    made.bytes = out_.str();
    return made;
  }

 private:
  void head() {
    text(sources_hash());
    text(program_.origin().isa);
    text(options_.with_recorded ? ir::print_graph(*program_.origin().recorded()) : "");
    text(ir::print_plan(program_.plan()));
    weights();
  }

  void number(uint64_t value) { out_.little(value); }
  void text(std::string_view text) {
    number(text.size());
    out_.text(text);
  }
  void bytes(std::span<const std::byte> bytes) { text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}); }

  void weights() {
    number(options_.weights.size());
    if (options_.weights.empty()) return;
    const auto graph = program_.origin().recorded();
    const ir::Graph& recorded = *graph;
    for (const WeightReference& w : options_.weights) {
      bool is_known = false;
      for (size_t i = 0; i < recorded.parameters().size(); ++i)
        is_known = is_known || recorded.parameter_name(i) == w.parameter;
      if (!is_known)
        throw base::Error(base::code::kUnwritableProgram,
                          fmt::format("{}: it has no parameter '{}'", recorded.name(), w.parameter));
      text(w.parameter);
      text(w.file);
      text(w.tensor);
    }
  }

  void require_native(const BoundKernel& kernel) const {
    if (!kernel.native)
      throw base::Error(base::code::kUnwritableProgram,
                        program_.plan().name + ": its kernels are no machine code of this machine");
  }

  void collect_objects(const Executable& program) {
    for (const BoundKernel& kernel : program.kernels()) {
      require_native(kernel);
      if (place_.emplace(kernel.native.get(), objects_.size()).second) objects_.push_back(kernel.native.get());
    }
    for (const auto& region : program.regions()) collect_objects(*region);
    for (const PreparedArgument& part : program.prologue()) collect_objects(*part.program);
  }

  template <class PlaceOf>
  void kernels(const Executable& program, const PlaceOf& place_of) {
    number(program.kernels().size());
    for (size_t i = 0; i < program.kernels().size(); ++i) {
      const BoundKernel& kernel = program.kernels()[i];
      number(place_of(kernel, program.plan().kernels[i]));
      number(kernel.looks_at_results ? 1 : 0);
      number(kernel.dims.size());
      for (int d : kernel.dims) number(d);
    }
    number(program.regions().size());
    for (const auto& region : program.regions()) kernels(*region, place_of);
    number(program.prologue().size());
    for (const PreparedArgument& part : program.prologue()) kernels(*part.program, place_of);
  }

  const Executable& program_;
  const ProgramFileOptions& options_;
  base::ByteWriter out_;
  std::vector<const ObjectCode*> objects_;
  std::unordered_map<const ObjectCode*, size_t> place_;
};

}  // namespace

namespace {

std::string header_of(const std::string& content) {
  const base::Hash128 hash = base::hash_bytes(std::as_bytes(std::span(content)));
  base::ByteWriter header;
  header.text(kProgramMagic).little(kProgramFormat).little(uint32_t{0}).little(uint64_t{content.size()});
  header.little(hash.lo).little(hash.hi);
  return header.str();
}

}  // namespace

ProgramImage program_image(const Executable& program, const ProgramFileOptions& options) {
  ProgramImage image = ProgramWriter(program, options).image();
  image.bytes.insert(0, header_of(image.bytes));
  return image;
}

void write_program(const std::string& path, const Executable& program, const ProgramFileOptions& options) {
  const std::string content = ProgramWriter(program, options).content();
  base::AtomicFile file(path);
  file.write(header_of(content));
  file.write(content);
  file.commit();
}

}  // namespace strata::runtime
