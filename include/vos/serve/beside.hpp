#pragma once

#include <type_traits>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

namespace vos::serve {

/// What `work` gives, done on the pool; the coroutine goes on where it was. The pool is joined before coroutines are destroyed.
/// Give `work` a name of its own: g++ 12 destroys a temporary's captures twice where it lives across co_await.
template <class Work>
boost::asio::awaitable<std::invoke_result_t<const Work&>> beside(boost::asio::thread_pool& pool, const Work& work) {
  const auto executor = co_await boost::asio::this_coro::executor;
  std::invoke_result_t<const Work&> result{};
  boost::asio::steady_timer done{executor, boost::asio::steady_timer::time_point::max()};
  boost::asio::post(pool, [&] {
    result = work();
    boost::asio::post(executor, [&] { done.cancel(); });  // runs after this coroutine has begun to wait
  });
  boost::system::error_code cancelled;
  co_await done.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
  co_return result;
}

}  // namespace vos::serve
