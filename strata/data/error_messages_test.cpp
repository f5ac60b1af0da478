// Whole messages of this layer's errors.
#include <gtest/gtest.h>

#include "strata/base/bytes/temp_folder.h"
#include "strata/base/error/message_of.h"
#include "strata/data/corpus/run_program.h"
#include "strata/data/corpus/tar_reader.h"
#include "strata/data/loader/loader.h"
#include "strata/data/tokens/counting_tokens.h"
#include "strata/data/tokens/token_windows.h"

namespace strata::data {
namespace {

using base::message_of;

class Three : public Dataset {
 public:
  int64_t size() const override { return 3; }
  const std::vector<SampleField>& fields() const override { return fields_; }
  void read(int64_t, Draw, std::span<std::byte* const>) const override {}

 private:
  std::vector<SampleField> fields_ = {{"number", ir::DType::i64, {}}};
};

TEST(ErrorMessages, E0636NamesWhatTheLoaderCannotDo) {
  const auto make = [](LoaderOptions options) {
    return message_of([&] { Loader(std::make_shared<Three>(), options); });
  };
  EXPECT_EQ(make({.batch_size = 0}), "error[E0636]: loader: batch_size is 0, expected an integer from 1 to 2147483647");
  EXPECT_EQ(make({.batch_size = 2, .workers = -1}),
            "error[E0636]: loader: workers is -1, expected an integer from 0 to 64");
  EXPECT_EQ(make({.batch_size = 4, .last_batch = LastBatch::Drop}),
            "error[E0636]: loader: 3 samples make no batch of 4\nhint: keep the last batch, or make batches smaller");
  const Loader loader(std::make_shared<Three>(), {.batch_size = 2});
  EXPECT_EQ(message_of([&] { loader.batch(0, 2); }),
            "error[E0636]: loader: index is 2, expected an integer from 0 to 1");
}

TEST(ErrorMessages, E0641NamesTheWindowAndTheText) {
  const base::TempFolder folder("messages");
  const auto tokens = counting_tokens(folder.path(), 5);
  EXPECT_EQ(message_of([&] { RandomWindows(tokens, 8); }),
            "error[E0641]: tokens: windows of 8 need 9 tokens, the text has 5");
  EXPECT_EQ(message_of([&] { EvaluationWindows(tokens, {.window = 4, .stride = 8}); }),
            "error[E0641]: tokens: stride is 8, expected an integer from 1 to 4");
  EXPECT_EQ(message_of([&] { EvaluationWindows(tokens, {.window = 4, .start_token = 1000}); }),
            "error[E0641]: tokens: the start token 1000 is outside a vocabulary of 1000");
}

TEST(ErrorMessages, E0651NamesTheProgramThatCannotRun) {
  EXPECT_EQ(message_of([] { run_program({"no-such-program"}); }),
            "error[E0651]: cannot run no-such-program: no such file or directory");
}

TEST(ErrorMessages, E0652NamesTheArchiveAndThePlace) {
  std::string bytes(100, 'x');
  const ByteSource source = [&](char* data, size_t size) {
    const size_t count = std::min(size, bytes.size());
    bytes.copy(data, count);
    bytes.erase(0, count);
    return count;
  };
  EXPECT_EQ(message_of([&] { read_tar(source, "a.tar", {}); }),
            "error[E0652]: a.tar: the archive ends within a block at byte 100");
}

}  // namespace
}  // namespace strata::data
