// Makes items ahead of their consumer on worker threads: data loading beside training.
// Item i is made by make(i), i = 0, 1, 2, ...; several workers make several items at once, and next() hands them out in
// the order of i, whatever the timing. At most `depth` items are made or in the making beyond those handed out. The
// first nullopt ends the sequence. An exception of make(i) is thrown by the next() that would have returned item i,
// once, and ends the sequence too.
//
//   BackgroundQueue<Batch> batches({.workers = 1, .depth = 4}, [&](int64_t i) { return loader.batch(i); });
//   while (std::optional<Batch> batch = batches.next()) train(*batch);
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace strata::base {

struct BackgroundOptions {
  int workers = 1;  ///< at least 1; with one, make() may keep state between items
  int depth = 2;    ///< items, at least 1
};

/// The part of BackgroundQueue that knows no item type: who makes which item into which of `depth` places, and when.
class OrderedProduction {
 public:
  /// How many places the options ask for; E0760 for those that make no queue.
  static size_t places_for(const BackgroundOptions& options);
  /// `make(index, place)` fills the place and returns false at the end of the sequence.
  OrderedProduction(BackgroundOptions options, std::function<bool(int64_t index, size_t place)> make);
  OrderedProduction(const OrderedProduction&) = delete;
  OrderedProduction& operator=(const OrderedProduction&) = delete;
  /// Stops; waits only for items that are being made.
  ~OrderedProduction();

  /// Waits for the next item in order: its place, or nullopt at the end. Rethrows what make threw.
  std::optional<size_t> wait_next();
  /// The place of the last wait_next() may be filled again.
  void release();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// For one consumer thread.
template <class T>
class BackgroundQueue {
 public:
  BackgroundQueue(BackgroundOptions options, std::function<std::optional<T>(int64_t index)> make)
      : make_(std::move(make)),
        places_(OrderedProduction::places_for(options)),
        production_(options, [this](int64_t index, size_t place) {
          places_[place] = make_(index);
          return places_[place].has_value();
        }) {}

  /// The next item, or nullopt at the end and ever after.
  std::optional<T> next() {
    const std::optional<size_t> place = production_.wait_next();
    if (!place) return std::nullopt;
    std::optional<T> item = std::exchange(places_[*place], std::nullopt);
    production_.release();
    return item;
  }

 private:
  std::function<std::optional<T>(int64_t)> make_;
  std::vector<std::optional<T>> places_;
  OrderedProduction production_;  ///< last, so that its workers stop before the places go
};

}  // namespace strata::base
