// A reference to something callable, for parameters that are called during the call and not kept: two words, no
// allocation. Beside std::function it spares headers <functional>, which costs every file that includes it 0.07 s.
//
//   int64_t evaluate(base::FunctionRef<int64_t(std::string_view)> binding) const;
//   d.evaluate([&](std::string_view name) { return sizes.at(name); });
//
// It must not outlive what it was made from: as a member only where the callable has a name and a longer life.
#pragma once

#include <type_traits>
#include <utility>

namespace strata::base {

template <class Signature>
class FunctionRef;

template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<R, F&, Args...>)
  FunctionRef(F&& f)
      : callable_(const_cast<void*>(static_cast<const void*>(&f))), call_([](void* callable, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(callable))(std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(callable_, std::forward<Args>(args)...); }

 private:
  void* callable_;
  R (*call_)(void*, Args...);
};

}  // namespace strata::base
