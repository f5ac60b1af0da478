// The functions of embed.h. No exception leaves them: each becomes a status and a message.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/codes/ir_codes.h"
#include "strata/base/error/error.h"
#include "strata/base/threads/thread_pool.h"
#include "strata/embed/embed.h"
#include "strata/embed/program_image.h"
#include "strata/embed/signature.h"
#include "strata/ir/graph/interpret.h"
#include "strata/ir/loops/huge_angle.h"
#include "strata/ops/list.h"
#include "strata/runtime/execute/prepared.h"
#include "strata/runtime/program/program_file.h"

struct strata_session {
  std::shared_ptr<const strata::runtime::Executable> program;
  std::vector<std::optional<strata::ir::HostArray>> weights;  ///< by parameter: those that are embedded
  strata::embed::Signature signature;

  ~strata_session() {
    for (const auto& w : weights)
      if (w) strata::runtime::forget_memory(w->data());
  }
};

namespace strata::embed {
namespace {

using ir::HostArray;

static_assert(static_cast<int>(STRATA_F64) == static_cast<int>(ir::DType::f64) &&
              static_cast<int>(STRATA_BOOL) == static_cast<int>(ir::DType::boolean));

void say(strata_message* message, const std::string& text) {
  if (!message) return;
  const size_t bytes = std::min(text.size(), sizeof(message->text) - 1);
  std::memcpy(message->text, text.data(), bytes);
  message->text[bytes] = 0;
}

/// Runs f, whatever it throws.
template <class F>
strata_status guarded(strata_message* message, F&& f) noexcept {
  say(message, "");
  try {
    f();
    return STRATA_OK;
  } catch (const base::Error& error) {
    try {
      say(message, error.text());
    } catch (...) {
      say(message, std::string(error.code().str()));
    }
    return error.kind() == base::ErrorKind::User          ? STRATA_USER_ERROR
           : error.kind() == base::ErrorKind::Environment ? STRATA_ENVIRONMENT_ERROR
                                                          : STRATA_INTERNAL_ERROR;
  } catch (const std::bad_alloc&) {
    say(message, "no memory");
    return STRATA_ENVIRONMENT_ERROR;
  } catch (const std::exception& error) {
    say(message, error.what());
    return STRATA_INTERNAL_ERROR;
  } catch (...) {
    say(message, "something that is no exception");
    return STRATA_INTERNAL_ERROR;
  }
}

[[noreturn]] void refuse(const strata_session& session, const std::string& what) {
  throw base::Error(base::code::kArgumentMismatch, session.program->plan().name + ": " + what);
}

/// The caller's memory, which stays the caller's.
HostArray view(ir::Encoding encoding, std::vector<int64_t> shape, const void* data) {
  auto* bytes = const_cast<std::byte*>(static_cast<const std::byte*>(data));
  return HostArray(encoding, std::move(shape), std::shared_ptr<std::byte>(std::shared_ptr<std::byte>(), bytes));
}

std::vector<int64_t> shape_of(ir::Type type, const ir::DimBinding& dims) {
  std::vector<int64_t> shape;
  for (ir::Dim d : type.shape()) shape.push_back(dims(d));
  return shape;
}

std::unique_ptr<strata_session> session_of(const strata_program& program) {
  if (program.format != kObjectFormat)
    throw base::Error(base::code::kForeignProgramFile,
                      fmt::format("an object of format {}, expected {}", program.format, kObjectFormat))
        .hint("write it again with the Strata whose library is linked: strata compile --object");
  std::vector<runtime::BoundKernel> kernels(program.kernel_count);
  for (uint64_t i = 0; i < program.kernel_count; ++i) {
    kernels[i].run = program.kernels[i].run;
    kernels[i].needs = program.kernels[i].needs;
  }
  auto session = std::make_unique<strata_session>();
  session->program = runtime::read_program_image({static_cast<const std::byte*>(program.image), program.image_bytes},
                                                 "the linked object", kernels, {.ops = ops::op_table()})
                         .program;
  const ir::Plan& plan = session->program->plan();
  const auto recorded = session->program->origin().recorded();
  const std::span weights(program.weights, program.weight_count);
  const auto weight_of = [&](std::string_view parameter) {
    const auto found = std::ranges::find_if(weights, [&](const auto& w) { return w.parameter == parameter; });
    return found == weights.end() ? nullptr : found->elements;
  };
  session->signature =
      signature_of(*session->program, [&](std::string_view name) { return weight_of(name) != nullptr; });
  session->weights.resize(plan.given_arguments());
  for (size_t i = 0; i < session->weights.size(); ++i) {
    const ir::Type type = plan.buffers[plan.arguments[i]].type;
    if (const void* elements = weight_of(recorded->parameter_name(static_cast<int>(i))))
      session->weights[i] = view(type.encoding(), shape_of(type, {}), elements);
  }
  return session;
}

void require_array(const strata_session& session, const char* what, const void* array, int32_t count) {
  if (!array && count > 0) refuse(session, fmt::format("`{}` is NULL, expected an array of {}", what, count));
}

ir::DimBinding dims_of_sizes(const strata_session& session, const int64_t* sizes, int32_t count) {
  if (count != std::ssize(session.signature.symbols))
    refuse(session, fmt::format("takes {} sizes, found {}", session.signature.symbols.size(), count));
  require_array(session, "sizes", sizes, count);
  ir::DimBinding dims;
  const auto graph = session.program->origin().recorded();
  for (int32_t i = 0; i < count; ++i) {
    if (sizes[i] < 0)
      refuse(session, fmt::format("{} is {}, expected 0 or more", session.signature.symbols[i], sizes[i]));
    ir::require_fact(session.program->plan().name, graph->facts().of(session.signature.symbols[i]), sizes[i]);
    dims.bind(session.signature.symbols[i], sizes[i]);
  }
  return dims;
}

HostArray checked(const strata_session& session, const char* what, size_t number, ir::Type type,
                  std::vector<int64_t> shape, const void* data) {
  HostArray array = view(type.encoding(), std::move(shape), data);
  if (!data && array.bytes() > 0) refuse(session, fmt::format("{} {}, {}, is NULL", what, number, type.str()));
  return array;
}

/// Inputs and weights in the order of the parameters.
std::vector<HostArray> arguments_of(const strata_session& session, std::vector<HostArray> inputs) {
  std::vector<HostArray> arguments;
  size_t next = 0;
  for (const auto& w : session.weights) arguments.push_back(w ? *w : std::move(inputs[next++]));
  return arguments;
}

void require_count(const strata_session& session, const char* what, size_t expected, int32_t found) {
  if (found != static_cast<int64_t>(expected))
    refuse(session, fmt::format("takes {} {}, found {}", expected, what, found));
}

std::string shape_text(std::span<const int64_t> shape) {
  std::string text;
  for (const int64_t d : shape) text += (text.empty() ? "" : ",") + std::to_string(d);
  return "[" + text + "]";
}

/// An array as the caller describes it; its type is the program's but for the shape.
HostArray described(const strata_session& session, const char* what, size_t number, ir::Type type,
                    const strata_array& given) {
  const ir::Type stored = type.stored();
  if (given.dtype < STRATA_F64 || given.dtype > STRATA_BOOL || static_cast<ir::DType>(given.dtype) != stored.dtype())
    refuse(session, fmt::format("{} {} should be {}, found dtype {}", what, number, type.str(),
                                given.dtype < STRATA_F64 || given.dtype > STRATA_BOOL
                                    ? std::to_string(static_cast<int>(given.dtype))
                                    : std::string(ir::dtype_name(static_cast<ir::DType>(given.dtype)))));
  if (given.rank != type.rank() || (given.rank > 0 && !given.shape))
    refuse(session, fmt::format("{} {} should be {}, found {} axes{}", what, number, type.str(), given.rank,
                                given.rank > 0 && !given.shape ? " without a shape" : ""));
  const std::vector<int64_t> shape(given.shape, given.shape + given.rank);
  if (std::ranges::any_of(shape, [](int64_t d) { return d < 0; }))
    refuse(session, fmt::format("{} {} should be {}, found the shape {}", what, number, type.str(), shape_text(shape)));
  return checked(session, what, number, type, shape, given.data);
}

void run(strata_session& session, std::vector<HostArray> inputs, std::vector<HostArray> outputs) {
  session.program->run_into(arguments_of(session, std::move(inputs)), outputs);
}

}  // namespace
}  // namespace strata::embed

using strata::embed::checked;
using strata::embed::guarded;
using strata::embed::shape_of;
using strata::ir::HostArray;

extern "C" {

strata_status strata_create(const strata_program* program, strata_session** session, strata_message* message) {
  if (session) *session = nullptr;
  return guarded(message, [&] {
    if (!program || !session)
      throw strata::base::Error(strata::base::code::kArgumentMismatch, "strata_create: a pointer is NULL");
    *session = strata::embed::session_of(*program).release();
  });
}

strata_status strata_run(strata_session* session, const strata_array* inputs, int32_t input_count,
                         const strata_array* outputs, int32_t output_count, strata_message* message) {
  return guarded(message, [&] {
    if (!session) throw strata::base::Error(strata::base::code::kArgumentMismatch, "strata_run: the session is NULL");
    strata::embed::require_count(*session, "inputs", session->signature.inputs.size(), input_count);
    strata::embed::require_count(*session, "outputs", session->signature.outputs.size(), output_count);
    strata::embed::require_array(*session, "inputs", inputs, input_count);
    strata::embed::require_array(*session, "outputs", outputs, output_count);
    std::vector<HostArray> given, results;
    std::vector<std::vector<int64_t>> shapes;
    std::vector<strata::ir::Type> types;
    for (int32_t i = 0; i < input_count; ++i) {
      types.push_back(session->signature.inputs[i].type);
      given.push_back(strata::embed::described(*session, "input", i, session->signature.inputs[i].type, inputs[i]));
      shapes.push_back(given.back().shape());
    }
    const strata::ir::DimBinding dims(*session->program->origin().recorded(), types, shapes);
    for (int32_t i = 0; i < output_count; ++i) {
      results.push_back(strata::embed::described(*session, "output", i, session->signature.outputs[i], outputs[i]));
      if (const auto expected = shape_of(session->signature.outputs[i], dims); results.back().shape() != expected)
        strata::embed::refuse(
            *session, fmt::format("output {} should be {}, found the shape {}", i, strata::embed::shape_text(expected),
                                  strata::embed::shape_text(results.back().shape())));
    }
    strata::embed::run(*session, std::move(given), std::move(results));
  });
}

strata_status strata_run_sizes(strata_session* session, const int64_t* sizes, int32_t size_count,
                               const void* const* inputs, int32_t input_count, void* const* outputs,
                               int32_t output_count, strata_message* message) {
  return guarded(message, [&] {
    if (!session)
      throw strata::base::Error(strata::base::code::kArgumentMismatch, "strata_run_sizes: the session is NULL");
    strata::embed::require_count(*session, "inputs", session->signature.inputs.size(), input_count);
    strata::embed::require_count(*session, "outputs", session->signature.outputs.size(), output_count);
    strata::embed::require_array(*session, "inputs", inputs, input_count);
    strata::embed::require_array(*session, "outputs", outputs, output_count);
    const strata::ir::DimBinding dims = strata::embed::dims_of_sizes(*session, sizes, size_count);
    std::vector<HostArray> given, results;
    for (int32_t i = 0; i < input_count; ++i)
      given.push_back(checked(*session, "input", i, session->signature.inputs[i].type,
                              shape_of(session->signature.inputs[i].type, dims), inputs[i]));
    for (int32_t i = 0; i < output_count; ++i)
      results.push_back(checked(*session, "output", i, session->signature.outputs[i],
                                shape_of(session->signature.outputs[i], dims), outputs[i]));
    strata::embed::run(*session, std::move(given), std::move(results));
  });
}

int64_t strata_output_elements(const strata_session* session, const int64_t* sizes, int32_t size_count,
                               int32_t output) {
  int64_t elements = -1;
  guarded(nullptr, [&] {
    if (!session || output < 0 || output >= std::ssize(session->signature.outputs)) return;
    const strata::ir::DimBinding dims = strata::embed::dims_of_sizes(*session, sizes, size_count);
    elements = dims(session->signature.outputs[output].elements());
  });
  return elements;
}

const char* strata_symbol(const strata_session* session, int32_t number) {
  const bool is_there = session && number >= 0 && number < std::ssize(session->signature.symbols);
  return is_there ? session->signature.symbols[number].c_str() : nullptr;
}

void strata_destroy(strata_session* session) { delete session; }

strata_status strata_set_threads(int32_t threads, strata_message* message) {
  return guarded(message, [&] { strata::base::ThreadPool::shared().set_thread_count(threads); });
}

// What kernels call besides the C library (runtime/machine_code/host_functions.h), by the names that they call it.
double strata_huge_angle(double x) { return strata::ir::loops::huge_angle(x); }
double strata_huge_quadrant(double x) { return strata::ir::loops::huge_quadrant(x); }
}
