#include "strata/base/threads/background_queue.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "strata/base/config/bounds.h"
#include "strata/base/error/codes/train_codes.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/base/trace/span.h"

namespace strata::base {

struct OrderedProduction::State {
  enum class Place { Empty, Making, Ready, End, Failed };

  std::function<bool(int64_t, size_t)> make;
  std::mutex mutex;  ///< guards all below but the threads
  std::condition_variable place_free, item_ready;
  std::vector<Place> places;
  std::vector<std::exception_ptr> failures;  ///< one a place
  int64_t next_to_make = 0, next_to_take = 0;
  bool made_all = false;   ///< some item was the end or failed: no later one is begun
  bool taken_all = false;  ///< the consumer has seen the end
  bool stop = false;
  std::vector<std::thread> workers;

  size_t place_of(int64_t index) const { return index % places.size(); }
  void work();
  void make_one(std::unique_lock<std::mutex>& lock);
};

void OrderedProduction::State::work() {
  SerialScope serial;  // a loader beside a training step must not take the step's cores
  set_thread_name("background");
  std::unique_lock lock(mutex);
  while (true) {
    place_free.wait(lock, [&] { return stop || made_all || next_to_make < next_to_take + std::ssize(places); });
    if (stop || made_all) return;
    make_one(lock);
  }
}

void OrderedProduction::State::make_one(std::unique_lock<std::mutex>& lock) {
  const int64_t index = next_to_make++;
  const size_t place = place_of(index);
  places[place] = Place::Making;
  lock.unlock();
  Place outcome = Place::Ready;
  std::exception_ptr failure;
  try {
    if (!make(index, place)) outcome = Place::End;
  } catch (...) {
    outcome = Place::Failed;
    failure = std::current_exception();
  }
  lock.lock();
  places[place] = outcome;
  failures[place] = failure;
  if (outcome != Place::Ready) {
    made_all = true;
    place_free.notify_all();
  }
  item_ready.notify_one();
}

size_t OrderedProduction::places_for(const BackgroundOptions& options) {
  OptionCheck(code::kOptionOutOfRange, "background queue")
      .integer("workers", options.workers, Bounds::between(1, 256))
      .integer("depth", options.depth, Bounds::between(1, 65536));
  return options.depth;
}

OrderedProduction::OrderedProduction(BackgroundOptions options, std::function<bool(int64_t, size_t)> make)
    : state_(std::make_unique<State>()) {
  const size_t depth = places_for(options);
  state_->make = std::move(make);
  state_->places.assign(depth, State::Place::Empty);
  state_->failures.resize(depth);
  for (int i = 0; i < options.workers; ++i) state_->workers.emplace_back([state = state_.get()] { state->work(); });
}

OrderedProduction::~OrderedProduction() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->place_free.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

std::optional<size_t> OrderedProduction::wait_next() {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  if (state.taken_all) return std::nullopt;
  const size_t place = state.place_of(state.next_to_take);
  using Place = State::Place;
  state.item_ready.wait(lock,
                        [&] { return state.places[place] != Place::Empty && state.places[place] != Place::Making; });
  if (state.places[place] == Place::Ready) return place;
  state.taken_all = true;
  if (state.failures[place]) std::rethrow_exception(std::exchange(state.failures[place], nullptr));
  return std::nullopt;
}

void OrderedProduction::release() {
  {
    std::lock_guard lock(state_->mutex);
    state_->places[state_->place_of(state_->next_to_take)] = State::Place::Empty;
    ++state_->next_to_take;
  }
  state_->place_free.notify_one();
}

}  // namespace strata::base
