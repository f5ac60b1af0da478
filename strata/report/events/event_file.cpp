// Field numbers are those of event.proto, summary.proto, tensor.proto and types.proto.
#include "strata/report/events/event_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "strata/base/bytes/byte_writer.h"
#include "strata/base/bytes/files.h"
#include "strata/base/error/codes/base_codes.h"
#include "strata/base/error/error.h"
#include "strata/report/events/crc32c.h"
#include "strata/report/events/message.h"
#include "strata/report/markup/escape.h"

namespace strata::report {
namespace {

constexpr int kEventTime = 1, kEventStep = 2, kEventVersion = 3, kEventSummary = 5, kEventSession = 7;
constexpr int kSummaryValue = 1;
constexpr int kValueTag = 1, kValueSimple = 2, kValueImage = 4, kValueTensor = 8, kValueMetadata = 9;
constexpr int kImageHeight = 1, kImageWidth = 2, kImageColorspace = 3, kImageBytes = 4;
constexpr int kTensorDtype = 1, kTensorShape = 2, kTensorString = 8, kDtypeString = 7;
constexpr int kMetadataPlugin = 1, kPluginName = 1;
constexpr int kSessionStatus = 1, kSessionStart = 1;

double system_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Protobuf strings must be UTF-8, or the reader drops the whole event.
std::string mended_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_bytes(text);
    if (length == 0) out += "\xEF\xBF\xBD";
    out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

Message event_at(double seconds, std::int64_t step) {
  return Message().number(kEventTime, seconds).integer(kEventStep, step);
}

std::string summary_event(double seconds, std::int64_t step, const Message& value) {
  return event_at(seconds, step).message(kEventSummary, Message().message(kSummaryValue, value)).encoded();
}

Message value_tagged(std::string_view tag) { return Message().bytes(kValueTag, mended_utf8(tag)); }

}  // namespace

std::string tf_record(std::string_view data) {
  const std::string length = base::ByteWriter().little<std::uint64_t>(data.size()).str();
  base::ByteWriter record;
  record.text(length).little(masked_crc32c(length)).text(data).little(masked_crc32c(data));
  return record.str();
}

EventFile::EventFile(const std::string& folder, EventFileOptions options) : options_(std::move(options)) {
  if (!options_.clock) options_.clock = system_seconds;
  base::make_folders(folder);
  open(folder);
  append(Message().number(kEventTime, options_.clock()).bytes(kEventVersion, "brain.Event:2").encoded());
  if (!options_.resumed_at) return;
  append(event_at(options_.clock(), *options_.resumed_at)
             .message(kEventSession, Message().integer(kSessionStatus, kSessionStart))
             .encoded());
}

/// Two runs may start in one second, so the name ends in a number and the file must be new.
void EventFile::open(const std::string& folder) {
  const auto seconds = static_cast<std::int64_t>(options_.clock());
  for (int n = 0; n < 1000; ++n) {
    path_ = fmt::format("{}/events.out.tfevents.{:010d}.strata.{:03d}", folder, seconds, n);
    file_.fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (file_.fd >= 0) return;
    if (errno != EEXIST) break;
  }
  fail(errno);
}

EventFile::Descriptor::~Descriptor() {
  if (fd >= 0) ::close(fd);
}

void EventFile::fail(int code) const {
  throw base::Error(base::code::kUnwritableFile,
                    fmt::format("cannot write event file {}: {}", path_, base::errno_text(code)));
}

void EventFile::append(const std::string& event) {
  const std::string record = tf_record(event);
  std::size_t done = 0;
  while (done < record.size()) {
    const ssize_t count = ::write(file_.fd, record.data() + done, record.size() - done);
    if (count > 0) done += count;
    if (count > 0 || (count < 0 && errno == EINTR)) continue;
    const int code = count < 0 ? errno : ENOSPC;
    // Take back the part that fitted: a torn record in the middle would hide all that follows.
    if (done > 0 && ::ftruncate(file_.fd, ::lseek(file_.fd, 0, SEEK_END) - static_cast<off_t>(done)) != 0) fail(errno);
    fail(code);
  }
}

void EventFile::scalar(std::string_view tag, std::int64_t step, double value) {
  append(summary_event(options_.clock(), step, value_tagged(tag).number(kValueSimple, static_cast<float>(value))));
}

void EventFile::image(std::string_view tag, std::int64_t step, const Image& image) {
  const Message picture = Message()
                              .integer(kImageHeight, image.height)
                              .integer(kImageWidth, image.width)
                              .integer(kImageColorspace, image.channels)
                              .bytes(kImageBytes, encode_png(image));
  append(summary_event(options_.clock(), step, value_tagged(tag).message(kValueImage, picture)));
}

void EventFile::text(std::string_view tag, std::int64_t step, std::string_view text) {
  const Message tensor = Message()
                             .integer(kTensorDtype, kDtypeString)
                             .message(kTensorShape, Message())  // a scalar
                             .bytes(kTensorString, mended_utf8(text));
  const Message metadata = Message().message(kMetadataPlugin, Message().bytes(kPluginName, "text"));
  append(summary_event(options_.clock(), step,
                       value_tagged(tag).message(kValueTensor, tensor).message(kValueMetadata, metadata)));
}

}  // namespace strata::report
