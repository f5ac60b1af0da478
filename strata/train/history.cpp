#include "strata/train/history.h"

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

History::History(const RunFolder& folder, std::optional<int64_t> resumed_at) {
  const std::string path = folder.file("metrics.jsonl");
  if (resumed_at && base::is_file(path)) read_back(path, *resumed_at);
  report::EventFileOptions options;
  if (resumed_at) options.resumed_at = *resumed_at + 1;
  files_ = std::make_unique<Files>(path, folder.path(), std::move(options));
}
History::~History() = default;

void History::read_back(const std::string& path, int64_t resumed_at) {
  const std::string text = base::read_text(path).value();
  std::string kept;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    auto json = base::parse_json(line, path);
    if (!json || !json->is_object()) continue;  // a torn line of a killed run
    const auto step = static_cast<int64_t>(number(json->find("step")));
    if (step > resumed_at) continue;
    kept += line + "\n";
    if (const Json* measures = json->find("evaluation"); measures && measures->is_object()) {
      EvalPoint point{step, {}};
      for (const base::JsonMember& m : measures->members()) {
        const Json* is_loss = m.value.find("is_loss");
        point.measures.push_back(
            {m.key, number(m.value.find("value")), is_loss && is_loss->is_bool() && is_loss->as_bool()});
      }
      evaluations_.push_back(std::move(point));
    } else {
      train_.push_back({step, number(json->find("loss")), number(json->find("learning_rate")),
                        number(json->find("units_per_second"))});
    }
  }
  base::write_file(path, std::string_view(kept));
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
