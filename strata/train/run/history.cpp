#include "strata/train/run/history.h"

#include <algorithm>

#include "strata/base/bytes/atomic_file.h"
#include "strata/base/bytes/files.h"
#include "strata/base/json/json.h"
#include "strata/base/json/jsonl_file.h"
#include "strata/report/events/event_file.h"

namespace strata::train {

using base::Json;

struct History::Files {
  Files(const std::string& metrics_path, const std::string& folder, report::EventFileOptions options)
      : metrics(metrics_path), events(folder, std::move(options)) {}
  base::JsonlFile metrics;
  report::EventFile events;
};

namespace {

Json to_json(const TrainPoint& p) {
  return Json::object()
      .set("step", p.step)
      .set("loss", p.loss)
      .set("learning_rate", p.learning_rate)
      .set("units_per_second", p.units_per_second);
}
Json to_json(const EvalPoint& p) {
  Json measures = Json::object();
  for (const Measure& m : p.measures)
    measures.set(m.name, Json::object().set("value", m.value).set("is_loss", m.is_loss));
  return Json::object().set("step", p.step).set("evaluation", std::move(measures));
}
double number(const Json* value) { return value && value->is_number() ? value->as_double() : 0; }

}  // namespace

History::History(const RunFolder& folder, std::optional<int64_t> resumed_at)
    : folder_(folder.path()), metrics_path_(folder.file("metrics.jsonl")), resumed_at_(resumed_at) {
  if (resumed_at && base::is_file(metrics_path_)) read_back(*resumed_at);
}
History::~History() = default;

void History::read_back(int64_t resumed_at) {
  const std::string text = base::read_text(metrics_path_).value();
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    read_line(text.substr(begin, end - begin), resumed_at);
    begin = end + 1;
  }
}

void History::read_line(const std::string& line, int64_t resumed_at) {
  auto json = base::parse_json(line, metrics_path_);
  if (!json || !json->is_object()) return;  // a torn line of a killed run
  const auto step = static_cast<int64_t>(number(json->find("step")));
  if (step > resumed_at) return;
  kept_ += line + "\n";
  const Json* measures = json->find("evaluation");
  if (measures == nullptr || !measures->is_object()) {
    train_.push_back({step, number(json->find("loss")), number(json->find("learning_rate")),
                      number(json->find("units_per_second"))});
    return;
  }
  EvalPoint point{step, {}};
  for (const base::JsonMember& m : measures->members()) {
    const Json* is_loss = m.value.find("is_loss");
    point.measures.push_back(
        {m.key, number(m.value.find("value")), is_loss && is_loss->is_bool() && is_loss->as_bool()});
  }
  evaluations_.push_back(std::move(point));
}

void History::open() {
  report::EventFileOptions options;
  if (resumed_at_) {
    options.resumed_at = *resumed_at_ + 1;
    if (base::is_file(metrics_path_)) base::write_file(metrics_path_, std::string_view(kept_));
  }
  files_ = std::make_unique<Files>(metrics_path_, folder_, std::move(options));
}

void History::add(const TrainPoint& point) {
  train_.push_back(point);
  files_->metrics.append(to_json(point));
  files_->events.scalar("loss/train", point.step, point.loss);
  files_->events.scalar("learning_rate", point.step, point.learning_rate);
  files_->events.scalar("units_per_second", point.step, point.units_per_second);
}

void History::add(const EvalPoint& point) {
  evaluations_.push_back(point);
  files_->metrics.append(to_json(point));
  for (const Measure& m : point.measures)
    files_->events.scalar((m.is_loss ? "loss/" : "measure/") + m.name, point.step, m.value);
}

}  // namespace strata::train
