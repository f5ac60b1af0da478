// What a run has measured so far, kept as metrics.jsonl and TensorBoard events, and read back on resume and for
// reports.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/train/run/run_folder.h"
#include "strata/train/task.h"

namespace strata::train {

struct TrainPoint {
  int64_t step = 0;
  double loss = 0, learning_rate = 0, units_per_second = 0;
};
struct EvalPoint {
  int64_t step = 0;
  std::vector<Measure> measures;
};

class History {
 public:
  /// Goes on behind `resumed_at`: what an earlier run measured later is dropped. Only reads.
  History(const RunFolder& folder, std::optional<int64_t> resumed_at);
  ~History();

  /// Makes the files, or cuts them back to what was read. Before the first add().
  void open();
  void add(const TrainPoint& point);
  void add(const EvalPoint& point);
  const std::vector<TrainPoint>& train() const { return train_; }
  const std::vector<EvalPoint>& evaluations() const { return evaluations_; }

 private:
  void read_back(int64_t resumed_at);
  void read_line(const std::string& line, int64_t resumed_at);
  struct Files;
  std::string folder_, metrics_path_;
  std::optional<int64_t> resumed_at_;
  std::string kept_;  ///< lines of the resumed run
  std::unique_ptr<Files> files_;
  std::vector<TrainPoint> train_;
  std::vector<EvalPoint> evaluations_;
};

}  // namespace strata::train
