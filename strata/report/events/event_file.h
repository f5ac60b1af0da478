// Event files that TensorBoard reads: scalars, pictures and texts over the steps of a run.
//
//   file   = record*                                         (TFRecord)
//   record = u64 length | u32 masked crc of the length | data | u32 masked crc of the data      little endian
//   data   = an Event message (tensorboard/compat/proto/event.proto); the first says "brain.Event:2"
//
// Each event is one write() in append mode, so after a crash a file ends in at most one torn record, which readers
// skip. A file is never reopened: a resumed run starts another one in the same folder, and readers join them. Not for
// several threads at once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "strata/report/png/image.h"

namespace strata::report {

struct EventFileOptions {
  /// Seconds since 1970 of an event; the system's clock if empty. For tests, which need the same bytes twice.
  std::function<double()> clock = {};
  /// Step at which a resumed run goes on: readers then drop what the run before had written from this step on.
  std::optional<std::int64_t> resumed_at = {};
};

class EventFile {
 public:
  /// Makes "<folder>/events.out.tfevents.<seconds>.strata.<n>" (and the folder); never an existing one. Throws E0002.
  explicit EventFile(const std::string& folder, EventFileOptions options = {});
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  /// Tags with slashes ("loss/train") are grouped by their first part. All throw E0002 (disk full); text that is not
  /// UTF-8 is mended.
  void scalar(std::string_view tag, std::int64_t step, double value);
  void image(std::string_view tag, std::int64_t step, const Image& image);
  /// Shown as Markdown.
  void text(std::string_view tag, std::int64_t step, std::string_view text);

  const std::string& path() const { return path_; }

 private:
  struct Descriptor {  ///< closed also when the constructor throws half way
    ~Descriptor();
    int fd = -1;
  };

  void open(const std::string& folder);
  void append(const std::string& event);
  [[noreturn]] void fail(int code) const;

  EventFileOptions options_;
  std::string path_;
  Descriptor file_;
};

/// `data` framed as one TFRecord.
std::string tf_record(std::string_view data);

}  // namespace strata::report
