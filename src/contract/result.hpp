// Result<T>: a value, or the Failure that stands in its place. Member names follow std::expected,
// which may replace it when the platform moves.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "contract/check.hpp"

namespace weir {

// Why something could not be had, in words that may be logged as they are.
struct Failure {
  std::string text;
  friend bool operator==(const Failure&, const Failure&) = default;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  [[nodiscard]] T& value() {
    WEIR_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] const T& value() const {
    WEIR_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] const Failure& error() const {
    WEIR_CHECK(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Failure> state_;
};

}  // namespace weir
