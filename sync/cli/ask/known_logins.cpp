#include "sync/cli/ask/known_logins.hpp"

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <exception>
#include <set>

#include "sync/base/paths.hpp"
#include "sync/logins/login_book.hpp"

namespace regsync::cli {

StoreReading read_store(Console& console, const std::set<RegistryKey>& wanted, Prompt prompt) {
  try {
    return console.open_store(prompt)->load(wanted);
  } catch (const Error& error) {
    StoreReading logins;
    logins.asked = wanted;
    logins.problem = error;
    return logins;
  }
}

KnownLogins read_logins(Console& console, const std::vector<Target>& targets, Prompt prompt,
                        std::chrono::milliseconds time) {
  TargetFiles files;
  for (const Target& target : targets) {
    files[target.name].target = target;
  }
  asio::io_context io(1);
  LoginBook* running = nullptr;
  const auto on_wanted = [&](const std::set<RegistryKey>& wanted) {
    asio::post(io, [&, wanted] { running->take(read_store(console, wanted, prompt)); });
  };
  // A command reads once: it neither remembers where logins were nor tries them at their registries.
  LoginBook book(io.get_executor(), nullptr, {}, std::chrono::milliseconds(0),
                 {.on_wanted = on_wanted, .on_change = [] {}});
  book.set_login_settings(/*verify=*/false, {});
  running = &book;
  book.set_cred_helpers(other_helpers(load_settings(paths::settings())));
  book.want(files);

  KnownLogins known;
  std::exception_ptr failure;
  const auto read = [&]() -> asio::awaitable<void> {
    co_await book.complete(time);
    known = book.known();
    co_await book.stop();
  };
  asio::co_spawn(io, read, [&](const std::exception_ptr& error) {
    failure = error;
    io.stop();
  });
  io.run();
  if (failure) {
    std::rethrow_exception(failure);
  }
  return known;
}

}  // namespace regsync::cli
