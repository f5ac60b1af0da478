// Every format of the list: what it takes comes back, what it can't hold is refused, and damaged files are errors.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/message_of.h"
#include "strata/formats/format.h"

namespace strata::formats {
namespace {

ir::HostArray counted(ir::DType dtype, std::vector<int64_t> shape) {
  ir::HostArray array(dtype, std::move(shape));
  for (int64_t i = 0; i < array.elements(); ++i) array.set(i, dtype == ir::DType::boolean ? i % 2 : i);
  return array;
}

/// Whether the file was written; else it was refused by E0631, and there is none.
bool saves(const std::string& path, const std::vector<NamedArray>& arrays) {
  try {
    save_tensors(path, arrays);
    return true;
  } catch (const base::Error& e) {
    EXPECT_EQ(e.code(), "E0631") << e.text();
    EXPECT_FALSE(base::is_file(path));
    return false;
  }
}

TEST(Formats, GiveBackWhatTheyTake) {
  const base::TempFolder folder;
  for (const Format* format : formats()) {
    int taken = 0;
    for (ir::DType dtype : {ir::DType::f64, ir::DType::f32, ir::DType::f16, ir::DType::bf16, ir::DType::i64,
                            ir::DType::i32, ir::DType::u8, ir::DType::boolean})
      for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{{}, {0}, {3}, {2, 0, 3}, {2, 3, 5}}) {
        const std::string path = folder / ("a" + std::to_string(taken) + std::string(format->suffix));
        const ir::HostArray array = counted(dtype, shape);
        if (!saves(path, {{"a", array}})) continue;
        ++taken;
        const std::vector<NamedArray> back = load_tensors(path).value();
        ASSERT_EQ(back.size(), 1u);
        EXPECT_TRUE(back[0].array.same_bits(array)) << format->name << " " << ir::dtype_name(dtype) << shape.size();
      }
    EXPECT_GT(taken, 0) << format->name;
  }
}

TEST(Formats, KeepNamesOrRefuseSeveralTensors) {
  const base::TempFolder folder;
  for (const Format* format : formats()) {
    const std::string path = folder / ("b" + std::string(format->suffix));
    if (!saves(path, {{"x.weight", counted(ir::DType::f32, {2})}, {"y", counted(ir::DType::f32, {3})}})) continue;
    const std::vector<NamedArray> back = load_tensors(path).value();
    ASSERT_EQ(back.size(), 2u) << format->name;
    for (const NamedArray& a : back)
      EXPECT_EQ(a.array.elements(), a.name == "y" ? 3 : a.name == "x.weight" ? 2 : -1) << format->name << " " << a.name;
  }
}

TEST(Formats, RefuseFilesThatAreCutOffOrMissing) {
  const base::TempFolder folder;
  for (const Format* format : formats()) {
    const std::string path = folder / ("c" + std::string(format->suffix));
    ASSERT_TRUE(saves(path, {{"a", counted(ir::DType::f32, {4, 5})}}));
    const std::string whole = base::read_text(path).value();
    for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
      base::write_file(path, std::string_view(whole).substr(0, bytes));
      EXPECT_FALSE(load_tensors(path)) << format->name << " " << bytes;
    }
    EXPECT_EQ(load_tensors(folder / ("none" + std::string(format->suffix))).error().code(), "E0001");
  }
}

TEST(Formats, AreChosenBySuffix) {
  for (const Format* format : formats()) {
    EXPECT_EQ(&format_of("x/w" + std::string(format->suffix)), format);
    EXPECT_TRUE(format->suffix.starts_with("."));
  }
  EXPECT_EQ(&format_of("weights"), formats()[0]);
}

TEST(Formats, FilesOfAnotherSuffixAreNotWritten) {
  const base::TempFolder folder;
  for (const char* name : {"weights", "weights.npz", "weights.safetensors.txt"}) {
    const std::string path = folder / name;
    EXPECT_EQ(base::message_of([&] { save_tensors(path, {}); }).substr(0, 20 + path.size()),
              "error[E0631]: " + path + ": no f");
    EXPECT_FALSE(base::is_file(path));
  }
  EXPECT_EQ(base::message_of([] { format_to_write("c.npz"); })
                .find("error[E0631]: c.npz: no format of tensors has this "
                      "suffix, expected .safetensors"),
            0u);
}

}  // namespace
}  // namespace strata::formats
