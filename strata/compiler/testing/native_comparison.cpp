#include "strata/compiler/testing/native_comparison.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <random>

#include "strata/compiler/testing/kernel_run.h"
#include "strata/ir/loops/interpret.h"
#include "strata/runtime/machine_code/object_code.h"

namespace strata::compiler {

using ir::DType;
using ir::loops::Kernel;
using machine::CpuTarget;

namespace {

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
void set_random(ir::HostArray& a, int64_t i, std::mt19937_64& random) {
  const auto special = special_bits(a.dtype());
  if (ir::is_bool(a.dtype())) return a.set_int(i, random() & 1);
  const auto set_bits = [&](uint64_t bits) {
    const int64_t size = ir::dtype_bytes(a.dtype());
    std::memcpy(a.data() + i * size, &bits, size);
  };
  const uint64_t kind = random() % 8;
  if (kind < 3) return set_bits(special[random() % kCoreValues]);
  if (kind < 6) return set_bits(special[random() % special.size()]);
  if (kind == 6) return set_bits(random());
  a.set(i, static_cast<double>(random() % 64) * 0.25);
}

std::string compare_one(const Kernel& kernel, const LoadedKernel& native, const std::vector<int64_t>& dims,
                        uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto buffers = make_buffers(kernel, dims, [&](ir::HostArray& a, int64_t i) { set_random(a, i, random); });
  runtime::KernelNeeds needs;
  native.needs(dims.data(), &needs);
  if (const int64_t tasks = ir::loops::task_count(kernel, dims); tasks != needs.tasks)
    return fmt::format("interpreter counts {} tasks, native {}", tasks, needs.tasks);
  const KernelRun expected = run_interpreted(kernel, dims, buffers),
                  found = run_native(native, dims, buffers, TaskOrder::Ascending);
  if (found.status.index != expected.status.index)
    return fmt::format("status: interpreter at {}, native at {}", expected.status.index, found.status.index);
  return difference(kernel, expected, found);
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

std::string compare_with_interpreter(const std::vector<const Kernel*>& kernels, const std::vector<int64_t>& dims,
                                     uint64_t seed, int* compiled_not_run) {
  for (const machine::CpuTarget& cpu : machine::kCpuTargets) {
    const Object object = test_generator().compile(kernels, cpu);
    if (!machine::host_can_run(cpu)) {
      if (compiled_not_run) *compiled_not_run += kernels.size();
      continue;
    }
    const auto loaded = runtime::ObjectCode::load(object);
    for (const Kernel* kernel : kernels) {
      const std::string difference = compare_one(*kernel, loaded->find(kernel->name), dims, seed);
      if (!difference.empty()) return fmt::format("{} on {}: {}", kernel->name, cpu.name, difference);
    }
  }
  return {};
}

}  // namespace strata::compiler
