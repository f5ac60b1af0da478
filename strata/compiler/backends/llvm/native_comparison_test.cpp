#include "strata/compiler/backends/llvm/native_comparison.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "strata/ir/loops/interpret.h"

namespace strata::compiler::llvm_backend {

using ir::DType;
using ir::loops::Buffer;
using ir::loops::BufferKind;
using ir::loops::Kernel;
using runtime::IsaLevel;

namespace {

using Bytes = std::vector<std::byte>;

/// The first values of special_bits() are those whose pairs matter: they are drawn so often that every pair of them
/// meets.
constexpr size_t kCoreValues = 8;

std::vector<double> special_numbers() {
  using F = std::numeric_limits<float>;
  using D = std::numeric_limits<double>;
  std::vector<double> values = {0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 7.0, 0.1, 1e-3, 100.0, 127.5, 128.0, 255.0, 255.5,
                                256.0, 32767.5, 32768.0, 65504.0, 65519.0, 65520.0, 65535.0, 65536.0, 1e10,
                                2147483647.0, 2147483648.0, 4294967295.0, 4294967296.0, 9.2233720368547758e18,
                                1.8446744073709552e19, 1e30, F::max(), F::min(), F::denorm_min(), D::max(), D::min(),
                                D::denorm_min(), D::infinity(),
                                // half-way cases of f16 and bf16, and just beside them in f64
                                1.00048828125, 1.00146484375, 1.00048828125000022, 1.00390625, 1.01171875,
                                1.0039062500000002, 0x1p-24, 0x1p-25, 0x1.0000000000001p-25, 0x1.8p-25, 0x1p-14,
                                0x1p-133, 0x1p-134, 0x1.8p-134, 0x1.0000000000001p-134, 3.4028235677973366e38};
  for (size_t i = 0, n = values.size(); i < n; ++i) values.push_back(-values[i]);
  const double first[kCoreValues] = {
      0.0, -0.0, 1.0, -1.0, D::infinity(), -D::infinity(), D::quiet_NaN(), D::denorm_min()};
  values.insert(values.begin(), std::begin(first), std::end(first));
  return values;
}

/// Elements of a buffer: mostly special values, else random small numbers or random bits.
uint64_t random_element(DType dtype, std::mt19937_64& random) {
  const auto special = special_bits(dtype);
  if (ir::is_bool(dtype)) return random() & 1;
  const uint64_t kind = random() % 8;
  if (kind < 3) return special[random() % kCoreValues];
  if (kind < 6) return special[random() % special.size()];
  if (kind == 6) return random();
  return ir::visit_dtype(dtype, [&](auto tag) -> uint64_t {
    using T = typename decltype(tag)::type;
    const T value = static_cast<T>(static_cast<double>(random() % 64) * 0.25);
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
  });
}

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

struct Memory {
  std::vector<Bytes> bytes;
  std::vector<void*> pointers;

  Memory(const Kernel& kernel, const std::vector<int64_t>& dims, uint64_t seed) {
    std::mt19937_64 random(seed);
    for (const Buffer* buffer : kernel.params) {
      int64_t elements = 1;
      for (ir::Dim extent : buffer->shape)
        elements *= extent.evaluate([&](std::string_view name) {
          for (size_t i = 0; i < kernel.dims.size(); ++i)
            if (kernel.dims[i] == name) return dims[i];
          return int64_t{0};
        });
      const auto size = static_cast<size_t>(ir::dtype_bytes(buffer->dtype));
      auto& memory = bytes.emplace_back(static_cast<size_t>(elements) * size);
      for (size_t i = 0; i < static_cast<size_t>(elements); ++i) {
        const uint64_t element = random_element(buffer->dtype, random);
        std::memcpy(memory.data() + i * size, &element, size);
      }
    }
    for (auto& memory : bytes) pointers.push_back(memory.data());
  }
};

std::string first_difference(const Kernel& kernel, const Memory& expected, const Memory& got) {
  for (size_t b = 0; b < kernel.params.size(); ++b) {
    const DType dtype = kernel.params[b]->dtype;
    const auto size = static_cast<size_t>(ir::dtype_bytes(dtype));
    for (size_t at = 0; at < expected.bytes[b].size(); at += size) {
      uint64_t e = 0, g = 0;
      std::memcpy(&e, expected.bytes[b].data() + at, size);
      std::memcpy(&g, got.bytes[b].data() + at, size);
      if (e == g || (is_nan_bits(dtype, e) && is_nan_bits(dtype, g))) continue;
      return fmt::format("%{}[{}] ({}): interpreter {:#x}, native {:#x}", kernel.params[b]->name, at / size,
                         ir::dtype_name(dtype), e, g);
    }
  }
  return {};
}

std::string compare_one(const Kernel& kernel, const LoadedKernel& native, const std::vector<int64_t>& dims,
                        uint64_t seed) {
  Memory expected(kernel, dims, seed), got(kernel, dims, seed);
  ir::loops::RunStatus expected_status;
  ir::loops::interpret(kernel, expected.pointers, dims, expected_status);
  runtime::KernelNeeds needs;
  native.needs(dims.data(), &needs);
  if (const int64_t tasks = ir::loops::task_count(kernel, dims); tasks != needs.tasks)
    return fmt::format("interpreter counts {} tasks, native {}", tasks, needs.tasks);
  const auto alignment = static_cast<size_t>(runtime::kScratchAlignment);
  Bytes scratch(static_cast<size_t>(needs.scratch_bytes) + alignment, std::byte{0xff});
  void* aligned = scratch.data();
  size_t space = scratch.size();
  runtime::KernelStatus status;
  runtime::KernelContext context{&status, static_cast<std::byte*>(std::align(
                                              alignment, static_cast<size_t>(needs.scratch_bytes), aligned, space))};
  // In two calls, so that ranges of tasks are tried as well.
  native.run(&context, got.pointers.data(), dims.data(), 0, needs.tasks / 2);
  native.run(&context, got.pointers.data(), dims.data(), needs.tasks / 2, needs.tasks);
  if (status.code != expected_status.code || status.index != expected_status.index)
    return fmt::format("status: interpreter {} at {}, native {} at {}", expected_status.code, expected_status.index,
                       status.code, status.index);
  return first_difference(kernel, expected, got);
}

}  // namespace

std::vector<uint64_t> special_bits(DType dtype) {
  std::vector<uint64_t> result;
  ir::visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    auto add = [&](T value) {
      uint64_t bits = 0;
      std::memcpy(&bits, &value, sizeof value);
      result.push_back(bits);
    };
    if constexpr (std::is_same_v<T, bool>) {
      add(false);
      add(true);
    } else if constexpr (std::is_integral_v<T>) {
      using L = std::numeric_limits<T>;
      for (T value : {T(0),
                      T(1),
                      T(-1),
                      L::min(),
                      L::max(),
                      T(2),
                      T(L::min() + 1),
                      T(7),
                      T(L::max() - 1),
                      T(3),
                      T(8),
                      T(31),
                      T(32),
                      T(63),
                      T(64),
                      T(-2),
                      T(-7),
                      T(-64),
                      T(L::max() / 2),
                      T(L::max() / 2 + 1),
                      T(100)})
        add(value);
      if constexpr (sizeof(T) == 8)
        for (int shift : {24, 25, 52, 53, 54, 62})
          for (int64_t near : {-1, 0, 1}) add(static_cast<T>((int64_t{1} << shift) + near));
    } else {
      for (double value : special_numbers()) add(static_cast<T>(value));
    }
  });
  return result;
}

const CodeGenerator& test_generator() {
  static const CodeGenerator generator;
  return generator;
}

std::string compare_with_interpreter(const std::vector<const Kernel*>& kernels, const std::vector<int64_t>& dims,
                                     uint64_t seed, int* compiled_not_run) {
  for (IsaLevel level : runtime::kAllIsaLevels) {
    const Object object = test_generator().compile(kernels, level);
    if (!runtime::host_can_run(level)) {
      if (compiled_not_run) *compiled_not_run += static_cast<int>(kernels.size());
      continue;
    }
    const auto loaded = test_generator().load(object);
    for (const Kernel* kernel : kernels) {
      const std::string difference = compare_one(*kernel, loaded->find(kernel->name), dims, seed);
      if (!difference.empty())
        return fmt::format("{} on {}: {}", kernel->name, runtime::isa_level_name(level), difference);
    }
  }
  return {};
}

}  // namespace strata::compiler::llvm_backend
