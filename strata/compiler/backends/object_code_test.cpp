// The linker of objects takes what the back end wrote, and refuses or takes, without a fault, whatever else the bytes
// say.
#include "strata/runtime/machine_code/object_code.h"

#include <gtest/gtest.h>

#include "strata/base/error/error.h"
#include "strata/compiler/backends/backends.h"
#include "strata/compiler/compile.h"
#include "strata/ops/operands/operators.h"

namespace strata::compiler {
namespace {

/// The object of a program's only kernel, which calls functions of the host.
std::vector<std::byte> object() {
  auto graph = std::make_shared<ir::Graph>("one");
  const ir::Value x = graph->add_parameter(ir::Type::of(ir::DType::f32, {ir::Dim::symbol("B")}));
  graph->set_results({ops::sin(x) + ops::round(x)});
  const auto program = compile(graph, {.target = &llvm_target_for(machine::kScalar)});
  const auto bytes = program->kernels()[0].native->object();
  return {bytes.begin(), bytes.end()};
}

/// Whether the bytes are taken; anything but E0312 fails the test.
bool is_taken(std::vector<std::byte> bytes, size_t at) {
  try {
    runtime::ObjectCode::load(std::move(bytes));
    return true;
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), "E0312") << at << ": " << error.text();
    return false;
  }
}

TEST(ObjectCode, ChangedBytesAreRefusedOrTakenWithoutAFault) {
  const std::vector<std::byte> whole = object();
  ASSERT_TRUE(is_taken(whole, 0));
  size_t refused = 0;
  for (size_t at = 0; at < whole.size(); ++at)
    for (const unsigned bits : {1u, 0x80u, 0xffu}) {
      std::vector<std::byte> changed = whole;
      changed[at] ^= static_cast<std::byte>(bits);
      refused += !is_taken(std::move(changed), at);
    }
  EXPECT_GT(refused, 100u);
}

TEST(ObjectCode, AnObjectThatEndsEarlyIsRefused) {
  const std::vector<std::byte> whole = object();
  for (size_t size = 0; size < whole.size(); size += 1 + size / 16)
    EXPECT_FALSE(is_taken({whole.begin(), whole.begin() + size}, size)) << size;
}

}  // namespace
}  // namespace strata::compiler
