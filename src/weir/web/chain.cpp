// How a request goes through its endpoint's chain: before() of each middleware in order, the handler, after() of those
// that were passed in reverse. As long as nothing waits, all of it is plain calls; the first around() of the chain
// turns what is behind it into a coroutine.
#include <cstdlib>
#include <exception>
#include <string>
#include <typeinfo>
#include <utility>

#include <cxxabi.h>

#include "weir/http/problem.hpp"
#include "weir/web/context.hpp"

namespace weir {

namespace {

std::string_view type_name_of(const std::type_info* type, Arena& arena) {
  if (type == nullptr) return "unknown";
  int status = 0;
  char* name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  const std::string_view copy = arena.copy(status == 0 ? std::string_view(name) : std::string_view(type->name()));
  std::free(name);  // NOLINT: __cxa_demangle gives malloc'd memory
  return copy;
}

http::Problem problem_for(Context& ctx, Error error) {
  // Time that ran out while the client was sending is the client's (RFC 9110 section 15.5.9), not an upstream's.
  const Error* body_error = ctx.exchange().body_error();
  const bool slow_client =
      error.code() == Errc::deadline_exceeded && body_error != nullptr && body_error->code() == Errc::deadline_exceeded;
  http::Problem problem = http::to_problem(std::move(error));
  if (slow_client) problem.status = Status::request_timeout;
  problem.instance = ctx.path();
  problem.request_id = ctx.request_id();
  return problem;
}

}  // namespace

namespace detail {
Response error_response(Context& ctx, Error error) {
  if (http::status_of(error.code()) == Status::internal_server_error) {
    // The client reads the title only: who runs the service must read the rest.
    ctx.log().error("a handler failed",
                    {{"code", to_string(error.code())}, {"what", error.message()}, {"route", ctx.route()}});
  }
  return http::to_response(problem_for(ctx, std::move(error)));
}
}  // namespace detail

void Context::run(const ChainEnvironment& environment, const Endpoint& endpoint, const Handler* instead) noexcept {
  environment_ = &environment;
  endpoint_ = &endpoint;
  handler_ = instead != nullptr ? instead : endpoint.handler.get();
  if (endpoint.body_limit) exchange_.limit_body(*endpoint.body_limit);
  if (endpoint.timeout) {
    exchange_.set_deadline(*endpoint.timeout == Duration::zero() ? Instant::max()
                                                                 : later(started(), *endpoint.timeout));
  }
  for (const Middleware& middleware : endpoint.chain) {
    if (middleware.waits()) {
      exchange_.run(drive_chain(passed_));
      return;
    }
    if (middleware.has_before()) {
      try {
        std::optional<Response> answer = middleware.before(*this);
        if (answer) return complete(std::move(*answer));
      } catch (...) {
        return complete(failed(std::current_exception()));
      }
    }
    ++passed_;
  }
  if (!exchange_.accepts_length()) [[unlikely]]
    return complete(detail::error_response(*this, *exchange_.body_error()));
  if (handler_->body() == BodyUse::whole) return exchange_.collect_body(*this);
  call_handler();
}

void Context::on_body(Result<std::string_view> body) noexcept {
  if (!body) return complete(detail::error_response(*this, std::move(body.error())));
  body_ = *body;
  collected_ = true;
  call_handler();
}

void Context::call_handler() noexcept {
  const Handler& handler = *handler_;
  if (handler.async()) return exchange_.run(drive_handler());
  try {
    complete(handler.call(*this));
  } catch (...) {
    complete(failed(std::current_exception()));
  }
}

Task<void> Context::drive_handler() {
  std::optional<Response> response;
  try {
    Task<Response> task = handler_->call_async(*this);
    response = co_await std::move(task);
  } catch (...) {
    response = failed(std::current_exception());
  }
  complete(std::move(*response));
}

Task<void> Context::drive_chain(std::size_t position) {
  std::optional<Response> response;
  try {
    Task<Response> task = run_from(position);
    response = co_await std::move(task);
  } catch (...) {
    response = failed(std::current_exception());
  }
  complete(std::move(*response));
}

/// The chain from `position` on, as a coroutine; passes through the after() of what it passed.
Task<Response> Context::run_from(std::size_t position) {
  const auto& chain = endpoint_->chain;
  std::size_t at = position;
  std::optional<Response> response;
  for (; at < chain.size(); ++at) {
    const Middleware& middleware = chain[at];
    if (middleware.waits()) {
      Task<Response> task = middleware.around(*this, Next(*this, at + 1));
      response = co_await std::move(task);
      break;
    }
    if (!middleware.has_before()) continue;
    response = middleware.before(*this);
    if (response) break;
  }
  if (!response) {
    Task<Response> task = this->answer();
    response = co_await std::move(task);
  }
  finish_problem(*response);
  apply_after(position, at, *response);
  co_return std::move(*response);
}

Task<Response> Next::operator()() const {
  return ctx_->run_from(position_);
}

/// The handler's answer, from within a coroutine. Errors of the handler become responses here, so that the middleware
/// around it sees them as such.
Task<Response> Context::answer() {
  const Handler& handler = *handler_;
  if (!exchange_.accepts_length()) co_return detail::error_response(*this, *exchange_.body_error());
  if (handler.body() == BodyUse::whole) {
    Task<Result<std::string_view>> task = body();
    Result<std::string_view> received = co_await std::move(task);
    if (!received) co_return detail::error_response(*this, std::move(received.error()));
  }
  std::optional<Response> response;
  try {
    if (handler.async()) {
      Task<Response> task = handler.call_async(*this);
      response = co_await std::move(task);
    } else {
      response = handler.call(*this);
    }
  } catch (...) {
    response = failed(std::current_exception());
  }
  co_return std::move(*response);
}

void Context::finish_problem(Response& response) noexcept {
  if (!response.unfinished_problem) [[likely]]
    return;
  try {
    http::finish_problem(response, path(), request_id());
  } catch (...) {  // no memory: it says less
  }
}

void Context::apply_after(std::size_t from, std::size_t to, Response& response) noexcept {
  for (std::size_t i = to; i > from; --i) {
    try {
      endpoint_->chain[i - 1].after(*this, response);
    } catch (...) {
      response = failed(std::current_exception());
    }
  }
}

void Context::complete(Response response) noexcept {
  if (exchange_.responded()) return exchange_.respond(std::move(response));  // Answered by the deadline: dropped.
  finish_problem(response);
  apply_after(0, passed_, response);
  exchange_.respond(std::move(response));
}

void Context::timed_out(bool receiving) noexcept {
  Response response = detail::error_response(
      *this, receiving ? Error(Errc::deadline_exceeded, "the request body did not arrive in time")
                       : Error(Errc::unavailable, "the request took too long and was cancelled"));
  if (receiving) response.status = Status::request_timeout;
  complete(std::move(response));
}

void Context::finished(const Outcome& outcome) noexcept {
  if (endpoint_ == nullptr) return;
  for (auto at = endpoint_->chain.rbegin(); at != endpoint_->chain.rend(); ++at) {
    if (!at->has_finish()) continue;
    try {
      at->finish(*this, outcome);
    } catch (...) {  // The exchange is over: there is nobody left to tell.
      log().error("a middleware's finish() threw", {{"middleware", at->name()}});
    }
  }
}

/// The answer for what a handler or middleware threw. A thrown Error is an answer like a returned one.
Response Context::failed(std::exception_ptr exception) noexcept try {
  if (environment_->on_exception) {
    if (std::optional<Response> response = environment_->on_exception(*this, exception)) return std::move(*response);
  }
  std::string what = "unknown exception";
  try {
    std::rethrow_exception(exception);
  } catch (Error& error) {
    return detail::error_response(*this, error);
  } catch (const std::bad_alloc&) {
    exception_ = "std::bad_alloc";
    what = "out of memory";
  } catch (const std::exception& error) {
    exception_ = type_name_of(&typeid(error), arena());
    what = error.what();
  } catch (...) {
    exception_ = type_name_of(abi::__cxa_current_exception_type(), arena());
  }
  log().error("a handler threw", {{"exception", exception_}, {"what", what}, {"route", route()}});
  http::Problem problem;
  problem.status = Status::internal_server_error;
  problem.instance = path();
  problem.request_id = request_id();
  problem.code = "internal";
  if (environment_->show_exceptions) problem.detail = std::string(exception_) + ": " + what;
  return http::to_response(problem);
} catch (...) {
  return Response(Status::internal_server_error);
}

}  // namespace weir
