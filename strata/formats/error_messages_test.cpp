// Whole messages of this layer's errors.
#include <gtest/gtest.h>

#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/message_of.h"
#include "strata/formats/safetensors/writer.h"

namespace strata::formats {
namespace {

TEST(ErrorMessages, E0631NamesTheTensorThatCannotBeWritten) {
  const base::TempFolder folder("messages");
  const auto save = [&](std::vector<std::string> names) {
    return base::message_of([&] {
      std::vector<NamedArray> arrays;
      for (const std::string& name : names) arrays.push_back({name, ir::HostArray(ir::DType::f32, {1})});
      save_safetensors(folder / "a.safetensors", arrays);
    });
  };
  EXPECT_EQ(save({""}), "error[E0631]: a tensor can't be named '' in a safetensors file");
  EXPECT_EQ(save({"w", "w"}), "error[E0631]: two tensors are named 'w'");
  const NamedArray encoded{"w", ir::HostArray(ir::encoding_named("q4_0"), {2, 32})};
  EXPECT_EQ(base::message_of([&] { save_safetensors("never.safetensors", {&encoded, 1}); }),
            "error[E0631]: 'w' is an array of q4_0, which safetensors files have no dtype for\n"
            "hint: write its encoded_bytes, and give them back to from_encoded_bytes");
  EXPECT_EQ(save({"w\xff"}), "error[E0631]: a tensor's name: expected UTF-8, found byte 0xff at 1");
}

}  // namespace
}  // namespace strata::formats
