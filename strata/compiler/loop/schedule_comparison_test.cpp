#include "strata/compiler/loop/schedule_comparison.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>

#include "strata/compiler/backends/llvm/code_generator.h"
#include "strata/compiler/loop/schedule.h"
#include "strata/ir/loops/interpret.h"
#include "strata/ir/loops/text_form.h"
#include "strata/ir/loops/verify.h"

namespace strata::compiler {

using ir::DType;
using ir::loops::Buffer;
using ir::loops::Kernel;

namespace {

using Bytes = std::vector<std::byte>;

uint64_t random_bits(DType dtype, std::mt19937_64& random) {
  return ir::visit_dtype(dtype, [&](auto tag) -> uint64_t {
    using T = typename decltype(tag)::type;
    const int64_t small = static_cast<int64_t>(random() % 64) - 32;
    T value{};
    if constexpr (std::is_integral_v<T>)
      value = sizeof(T) == 8 || std::is_same_v<T, bool> ? static_cast<T>(random() % 2) : static_cast<T>(small);
    else
      value = static_cast<T>(random() % 50 == 0 ? std::nan("") : static_cast<double>(small) * 0.37 + 0.01);
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
  });
}

struct Memory {
  std::vector<Bytes> bytes;
  std::vector<void*> pointers;

  Memory(const Kernel& kernel, const std::vector<int64_t>& dims, uint64_t seed,
         const std::vector<ir::HostArray>& inputs = {}) {
    std::mt19937_64 random(seed);
    for (const Buffer* buffer : kernel.params) {
      if (bytes.size() < inputs.size()) {
        const ir::HostArray& array = inputs[bytes.size()];
        const auto* data = static_cast<const std::byte*>(array.data());
        bytes.emplace_back(data, data + array.bytes());
        continue;
      }
      const int64_t elements = ir::product(buffer->shape).evaluate([&](std::string_view name) {
        for (size_t i = 0; i < kernel.dims.size(); ++i)
          if (kernel.dims[i] == name) return dims[i];
        return int64_t{0};
      });
      const auto size = static_cast<size_t>(ir::dtype_bytes(buffer->dtype));
      auto& memory = bytes.emplace_back(static_cast<size_t>(elements) * size);
      for (size_t i = 0; i < static_cast<size_t>(elements); ++i) {
        const uint64_t element = random_bits(buffer->dtype, random);
        std::memcpy(memory.data() + i * size, &element, size);
      }
    }
    for (auto& memory : bytes) pointers.push_back(memory.data());
  }
};

bool is_nan_bits(DType dtype, uint64_t bits) {
  switch (dtype) {
    case DType::f64:
      return std::isnan(std::bit_cast<double>(bits));
    case DType::f32:
      return std::isnan(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    case DType::f16:
      return (bits & 0x7fff) > 0x7c00;
    case DType::bf16:
      return (bits & 0x7fff) > 0x7f80;
    default:
      return false;
  }
}

std::string difference(const Kernel& kernel, const Memory& expected, const Memory& got) {
  for (size_t b = 0; b < kernel.params.size(); ++b) {
    const DType dtype = kernel.params[b]->dtype;
    const auto size = static_cast<size_t>(ir::dtype_bytes(dtype));
    for (size_t at = 0; at < expected.bytes[b].size(); at += size) {
      uint64_t e = 0, g = 0;
      std::memcpy(&e, expected.bytes[b].data() + at, size);
      std::memcpy(&g, got.bytes[b].data() + at, size);
      if (e == g || (is_nan_bits(dtype, e) && is_nan_bits(dtype, g))) continue;
      return fmt::format("%{}[{}] ({}): naive {:#x}, scheduled {:#x}", kernel.params[b]->name, at / size,
                         ir::dtype_name(dtype), e, g);
    }
  }
  return {};
}

const llvm_backend::CodeGenerator& generator() {
  static const llvm_backend::CodeGenerator made;
  return made;
}

/// Returns the status that the kernel left.
int64_t run_native(const LoadedKernel& native, const std::vector<int64_t>& dims, Memory& memory) {
  runtime::KernelNeeds needs;
  native.needs(dims.data(), &needs);
  const auto alignment = static_cast<size_t>(runtime::kScratchAlignment);
  Bytes scratch(static_cast<size_t>(needs.scratch_bytes) + alignment, std::byte{0xff});
  void* aligned = scratch.data();
  size_t space = scratch.size();
  runtime::KernelStatus status;
  runtime::KernelContext context{&status, static_cast<std::byte*>(std::align(
                                              alignment, static_cast<size_t>(needs.scratch_bytes), aligned, space))};
  // The last tasks first: their order is free.
  native.run(&context, memory.pointers.data(), dims.data(), needs.tasks / 2, needs.tasks);
  native.run(&context, memory.pointers.data(), dims.data(), 0, needs.tasks / 2);
  return status.code;
}

/// The naive kernel's results, and what the scheduled one gives in the interpreter.
struct Interpreted {
  Memory expected;
  int64_t status = 0;
  std::string difference;
};

Interpreted interpret_both(const Kernel& naive, const Kernel& scheduled, const std::vector<int64_t>& dims,
                           uint64_t seed, const std::vector<ir::HostArray>& inputs = {}) {
  Interpreted result{Memory(naive, dims, seed, inputs), 0, {}};
  if (const auto fault = ir::loops::find_fault(scheduled, ir::loops::Stage::Scheduled)) {
    result.difference = fault->what + " in " + fault->statement;
    return result;
  }
  Memory got(naive, dims, seed, inputs);
  ir::loops::RunStatus status, scheduled_status;
  ir::loops::interpret(naive, result.expected.pointers, dims, status);
  result.status = status.code;
  try {
    ir::loops::interpret(scheduled, got.pointers, dims, scheduled_status);
  } catch (const std::exception& error) {
    result.difference = std::string("interpreter: ") + error.what();
    return result;
  }
  if (scheduled_status.code != status.code)
    result.difference = fmt::format("interpreter: status {}, expected {}", scheduled_status.code, status.code);
  else if (auto text = difference(naive, result.expected, got); !text.empty())
    result.difference = "interpreter: " + text;
  return result;
}

/// What native code changes, or an empty text. A kernel that fails leaves its results undefined.
std::string native_difference(const Kernel& naive, const LoadedKernel& code, const std::vector<int64_t>& dims,
                              Memory memory, const Interpreted& expected) {
  if (const int64_t status = run_native(code, dims, memory); status != expected.status)
    return fmt::format("native: status {}, expected {}", status, expected.status);
  if (expected.status != 0) return {};
  const std::string text = difference(naive, expected.expected, memory);
  return text.empty() ? text : "native: " + text;
}

std::string with_loops(const Kernel& naive, const Kernel& scheduled, runtime::IsaLevel level, const std::string& text) {
  return fmt::format("{} at {}: {}\n{}\n{}", naive.name, runtime::isa_level_name(level), text, ir::loops::print(naive),
                     ir::loops::print(scheduled).substr(0, 6000));
}

}  // namespace

std::string compare_kernels(const Kernel& naive, const Kernel& scheduled, const std::vector<int64_t>& dims,
                            runtime::IsaLevel level, Run run, uint64_t seed) {
  const Interpreted interpreted = interpret_both(naive, scheduled, dims, seed);
  if (!interpreted.difference.empty() || run == Run::InterpretOnly) return interpreted.difference;
  const Kernel* const kernels[] = {&scheduled};
  const Object object = generator().compile(kernels, level);
  if (!runtime::host_can_run(level)) return {};
  const auto loaded = generator().load(object);
  return native_difference(naive, loaded->find(scheduled.name), dims, Memory(naive, dims, seed), interpreted);
}

std::string compare_all(const std::vector<ComparedKernel>& kernels, CompiledFor levels) {
  std::vector<Kernel> scheduled;
  std::vector<const Kernel*> compiled;
  for (const ComparedKernel& k : kernels)
    scheduled.push_back(schedule(k.naive, levels.schedule, nullptr, {.is_strict = true}));
  for (const Kernel& kernel : scheduled) compiled.push_back(&kernel);
  const Object object = generator().compile(compiled, levels.code);
  const bool runs = runtime::host_can_run(levels.code);
  const auto loaded = runs ? generator().load(object) : nullptr;
  for (size_t i = 0; i < kernels.size(); ++i) {
    const auto& [naive, dims, inputs] = kernels[i];
    const Interpreted interpreted = interpret_both(naive, scheduled[i], dims, i, inputs);
    std::string text = interpreted.difference;
    if (text.empty() && runs)
      text = native_difference(naive, loaded->find(naive.name), dims, Memory(naive, dims, i, inputs), interpreted);
    if (!text.empty()) return with_loops(naive, scheduled[i], levels.schedule, text);
  }
  return {};
}

std::string compare_schedules(const Kernel& naive, const std::vector<int64_t>& dims, Run run, uint64_t seed) {
  for (runtime::IsaLevel level : runtime::kAllIsaLevels) {
    const Kernel scheduled = schedule(naive, level, nullptr, {.is_strict = true});
    const std::string text = compare_kernels(naive, scheduled, dims, level, run, seed);
    if (!text.empty()) return with_loops(naive, scheduled, level, text);
  }
  return {};
}

std::string compare_schedules(const std::string& text, const std::vector<int64_t>& dims, Run run, uint64_t seed) {
  return compare_schedules(ir::loops::parse_kernel(text).value(), dims, run, seed);
}

}  // namespace strata::compiler
