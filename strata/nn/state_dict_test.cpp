#include "strata/nn/state_dict.h"

#include <gtest/gtest.h>

#include <functional>

#include "strata/base/bytes/files.h"
#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/error.h"
#include "strata/formats/safetensors/reader.h"
#include "strata/nn/linear.h"
#include "strata/nn/norm.h"

namespace strata::nn {
namespace {

struct Net {
  Linear hidden{3, 4};
  BatchNorm norm{4};
  Linear out{4, 2};
  STRATA_FIELDS(hidden, norm, out)
};
struct WiderNet {
  Linear hidden{3, 4};
  BatchNorm norm{4};
  Linear out{4, 5};
  STRATA_FIELDS(hidden, norm, out)
};
struct NetWithoutNorm {
  Linear hidden{3, 4}, out{4, 2};
  STRATA_FIELDS(hidden, out)
};

struct StateDict : testing::Test {
  base::TempFolder folder;
  std::string file = folder / "net.safetensors";
  std::string error_of(const std::function<void()>& f) {
    try {
      f();
    } catch (const base::Error& e) {
      EXPECT_EQ(e.code(), "E0520");
      return e.text();
    }
    return "no error";
  }
};

TEST_F(StateDict, ComesBackBitForBitWithItsMetadata) {
  const auto saved = init<Net>(Key(1));
  save_safetensors(file, saved, {{"epoch", "3"}});
  auto loaded = init<Net>(Key(2));
  EXPECT_EQ(load_safetensors(file, loaded).at("epoch"), "3");
  auto a = saved;
  const Leaves expected = leaves_of(a), found = leaves_of(loaded);
  ASSERT_EQ(found.list.size(), 9u);
  for (size_t i = 0; i < found.list.size(); ++i)
    EXPECT_TRUE(found.list[i].tensor().array().same_bits(expected.list[i].tensor().array())) << found.list[i].paths[0];
}

TEST_F(StateDict, TheFirstDifferingShapeIsNamedAndNothingChanges) {
  save_safetensors(file, init<Net>(Key(1)));
  auto model = init<WiderNet>(Key(2));
  const HostArray before = model.hidden.weight.array();
  const std::string text = error_of([&] { load_safetensors(file, model); });
  EXPECT_NE(text.find("out.weight is f32[2,4], the model's is f32[5,4]"), std::string::npos) << text;
  EXPECT_TRUE(model.hidden.weight.array().same_bits(before));
}

TEST_F(StateDict, MissingAndUnexpectedTensorsAreNamed) {
  save_safetensors(file, init<NetWithoutNorm>(Key(1)));
  auto model = init<Net>(Key(2));
  EXPECT_NE(error_of([&] { load_safetensors(file, model); }).find("has no tensor norm.weight"), std::string::npos);
  load_safetensors(file, model, {.allows_missing = true});

  save_safetensors(file, init<Net>(Key(1)));
  auto small = init<NetWithoutNorm>(Key(2));
  EXPECT_NE(error_of([&] { load_safetensors(file, small); }).find("which the model has not"), std::string::npos);
  load_safetensors(file, small, {.allows_unexpected = true});
}

TEST_F(StateDict, DtypesAreCheckedOrCast) {
  NetWithoutNorm half;
  init(half, Key(1), {.dtype = DType::bf16});
  save_safetensors(file, half);
  auto model = init<NetWithoutNorm>(Key(2));
  const std::string text = error_of([&] { load_safetensors(file, model); });
  EXPECT_NE(text.find("bf16[4,3]"), std::string::npos) << text;
  EXPECT_NE(text.find("casts_dtypes"), std::string::npos) << text;
  load_safetensors(file, model, {.casts_dtypes = true});
  EXPECT_EQ(model.hidden.weight.dtype(), DType::f32);
  EXPECT_EQ(model.hidden.weight.array().get(0), half.hidden.weight.array().get(0));
}

TEST_F(StateDict, ATiedParameterIsSavedOnceAndStaysTied) {
  auto model = init<NetWithoutNorm>(Key(1));
  model.out.bias = model.hidden.bias;
  save_safetensors(file, model);
  EXPECT_EQ(formats::SafetensorsFile::open(file).value().entries().size(), 3u);
  load_safetensors(file, model);
  EXPECT_EQ(model.out.bias.cell(), model.hidden.bias.cell());
}

TEST_F(StateDict, APrefixSelectsAPartOfTheFile) {
  save_safetensors(file, init<Net>(Key(1)));
  Linear out{4, 2};
  init(out, Key(2));
  load_safetensors(file, out, {.prefix = "out.", .allows_unexpected = true});
  EXPECT_TRUE(out.weight.array().same_bits(init<Net>(Key(1)).out.weight.array()));
}

}  // namespace
}  // namespace strata::nn
