#include "strata/compiler/backends/null/null_target.h"

#include <fmt/format.h>

#include <cstring>
#include <set>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/backends/kernel_work.h"
#include "strata/ir/loops/blocks.h"
#include "strata/ops/composites/composite.h"
#include "strata/ops/elementwise/elementwise.h"

namespace strata::compiler::null_backend {
namespace {

constexpr std::string_view kMagic = "NULL";
constexpr std::string_view kMultiplyAdd = "multiply_add";

void run_nothing(runtime::KernelContext*, void* const*, const int64_t*, int64_t, int64_t) {}
void need_nothing(const int64_t*, runtime::KernelNeeds* needs) { *needs = {}; }

class NullObject final : public LoadedObject {
 public:
  explicit NullObject(std::string_view text) {
    for (size_t end; (end = text.find('\0')) != text.npos; text.remove_prefix(end + 1))
      names_.emplace(text.substr(0, end));
  }
  LoadedKernel find(std::string_view kernel_name) const override {
    if (names_.contains(kernel_name)) return {run_nothing, need_nothing};
    throw base::Error(base::code::kUnloadableObject, fmt::format("the object has no kernel {}", kernel_name));
  }

 private:
  std::set<std::string, std::less<>> names_;
};

Object object_of(std::string_view text) {
  Object object(text.size());
  std::memcpy(object.data(), text.data(), text.size());
  return object;
}

constexpr MemorySpace kSpaces[] = {{"memory", 0}, {"shared", 48 << 10}};

}  // namespace

std::span<const MemorySpace> NullTarget::memory_spaces() const { return kSpaces; }

ir::loops::Kernel NullTarget::schedule(const ir::loops::Kernel& naive, ScheduleReport* report,
                                       const ScheduleOptions& options) const {
  return compiler::schedule(naive, machine::VectorUnit{.bytes = 16, .registers = 16}, report, options);
}

std::optional<std::string> NullTarget::refusal(const ir::loops::Kernel& kernel) const {
  const int64_t shared = ir::loops::shared_bytes(kernel);
  if (shared <= kSpaces[1].bytes) return std::nullopt;
  return fmt::format("its blocks share {} bytes, and there are {}", shared, kSpaces[1].bytes);
}

Object NullTarget::compile(std::span<const ir::loops::Kernel* const> kernels) const {
  std::string text(kMagic);
  for (const auto* kernel : kernels) {
    if (const auto reason = refusal(*kernel))
      throw base::Error(base::code::kRefusedKernel, fmt::format("null refuses kernel {}: {}", kernel->name, *reason));
    const KernelWork work = count_work(*kernel, std::vector<int64_t>(kernel->dims.size(), 1));
    kernels_ += 1;
    operations_ += work.operations;
    bytes_ += work.bytes_loaded + work.bytes_stored;
    text += kernel->name;
    text += '\0';
  }
  return object_of(text);
}

std::optional<std::string> NullTarget::composite_refusal(const ir::Node& composite) const {
  if (ops::composite_name(composite) == "softmax" || ops::composite_name(composite) == kMultiplyAdd)
    return std::nullopt;
  return "it claims softmax only";
}

std::optional<Pattern> NullTarget::pattern_ending_at(const ir::Node& root) const {
  if (root.op != &ops::kAdd || root.operand(0).node->op != &ops::kMul) return std::nullopt;
  return Pattern{std::string(kMultiplyAdd), {root.operand(0).node, &root}};
}

ir::Dim NullTarget::workspace_bytes(const ir::Node& composite) const {
  return ir::Dim(ops::composite_name(composite) == kMultiplyAdd ? 64 : 0);
}

Object NullTarget::compile_composite(const ir::Node&, std::string_view kernel_name,
                                     std::span<const std::string>) const {
  composites_ += 1;
  std::string text(kMagic);
  text += kernel_name;
  text += '\0';
  return object_of(text);
}

std::shared_ptr<const LoadedObject> NullTarget::load(std::span<const std::byte> object) const {
  const std::string_view text(reinterpret_cast<const char*>(object.data()), object.size());
  if (!text.starts_with(kMagic))
    throw base::Error(base::code::kUnloadableObject, "the bytes are no object of the null backend");
  return std::make_shared<NullObject>(text.substr(kMagic.size()));
}

}  // namespace strata::compiler::null_backend
