#include "helper/secret_service/secret_service_writer.hpp"

#include <utility>

#include "helper/secret_service/secret_service_reader.hpp"
#include "helper/secret_service/session_lock.hpp"
#include "helper/secret_service/signal_watch.hpp"

namespace regsync {
namespace {

constexpr const char* bus_name = "org.freedesktop.DBus";
constexpr const char* service_interface = "org.freedesktop.Secret.Service";
constexpr const char* collection_interface = "org.freedesktop.Secret.Collection";
constexpr const char* item_interface = "org.freedesktop.Secret.Item";
constexpr const char* prompt_interface = "org.freedesktop.Secret.Prompt";

BusMessagePtr keep(sd_bus_message* answer) { return BusMessagePtr(sd_bus_message_ref(answer)); }

}  // namespace

bool SecretServiceWriter::unlock(const std::vector<std::string>& paths) {
  const SessionLock prompter(client_, prompter_lock);
  const BusMessagePtr reply = client_.ask({secret_service_path, service_interface, "Unlock",
                                           [&paths](sd_bus_message* call) {
                                             written(sd_bus_message_open_container(call, 'a', "o"));
                                             for (const std::string& path : paths) {
                                               write_to(call, "o", path);
                                             }
                                             written(sd_bus_message_close_container(call));
                                           }},
                                          keep);
  std::size_t unlocked = read_paths(reply.get()).size();
  const std::string prompt_path = read_path(reply.get());
  if (prompt_path == "/") {
    return unlocked >= paths.size();
  }
  if (prompter.waited() || prompt_ == Prompt::never) {
    dismiss(prompt_path);
  } else if (const BusMessagePtr answer = show(prompt_path);
             answer && sd_bus_message_enter_container(answer.get(), 'v', "ao") > 0) {
    unlocked += read_paths(answer.get()).size();
  }
  return unlocked >= paths.size();
}

void SecretServiceWriter::dismiss(const std::string& prompt_path) {
  Answer<bool> ignored;
  client_.ask({question(
      BusCall{prompt_path, prompt_interface, "Dismiss", {}}, +[](sd_bus_message*) { return true; }, ignored)});
}

BusMessagePtr SecretServiceWriter::show(const std::string& prompt_path) {
  bool ended = false;
  BusMessagePtr completion;
  const SignalWatch completed(client_.connection(),
                              {.sender = secret_service_name,
                               .interface = prompt_interface,
                               .signal = "Completed",
                               .path = prompt_path.c_str()},
                              [&](sd_bus_message* signal) {
                                ended = true;
                                completion.reset(sd_bus_message_ref(signal));
                              });
  // A service that ends takes its prompts with it.
  const SignalWatch gone(
      client_.connection(),
      {.sender = bus_name, .interface = bus_name, .signal = "NameOwnerChanged", .first_argument = secret_service_name},
      [&](sd_bus_message*) { ended = true; });
  client_.ask({prompt_path, prompt_interface, "Prompt", arguments("s", "")}, keep);
  client_.connection().wait_until([&ended] { return ended; });
  client_.renew();
  if (completion) {
    understood(sd_bus_message_rewind(completion.get(), 1));
    int dismissed = 1;
    read_from(completion.get(), "b", &dismissed);
    if (dismissed != 0) {
      completion.reset();
    }
  }
  return completion;
}

// The result of a call that the service delays until the person consents.
BusMessagePtr SecretServiceWriter::consent(const std::string& prompt_path, const std::string& purpose) {
  BusMessagePtr result;
  if (prompt_ == Prompt::allowed) {
    result = show(prompt_path);
  } else {
    dismiss(prompt_path);
  }
  if (!result) {
    throw Error(ErrorCode::locked, "the keyring asked for consent to " + purpose + ", and got none",
                "answer its prompt, or unlock it first");
  }
  return result;
}

bool SecretServiceWriter::create_default_collection() {
  const BusMessagePtr reply = client_.ask(
      {secret_service_path, service_interface, "CreateCollection",
       arguments("a{sv}s", 1, "org.freedesktop.Secret.Collection.Label", "s", "Default keyring", "default")},
      keep);
  read_path(reply.get());  // the collection, if it was made at once
  const std::string prompt_path = read_path(reply.get());
  return prompt_path == "/" || show(prompt_path) != nullptr;
}

std::string SecretServiceWriter::store(const std::string& collection, const std::string& session,
                                       const Credential& credential) {
  const auto write_arguments = [&session, &credential](sd_bus_message* call) {
    written(sd_bus_message_sensitive(call));  // wiped when it is freed
    const std::string& server = credential.login.server;
    // The label is the server, and not "Registry credentials for <server>" as docker-credential-secretservice 0.9
    // writes: its `list` answers labels, so only logins labelled like this can be listed and then read with it.
    write_to(call, "a{sv}", 2, "org.freedesktop.Secret.Item.Label", "s", server,
             "org.freedesktop.Secret.Item.Attributes", "a{ss}", 5, "xdg:schema", login_schema, "label",
             "Docker Credentials", "server", server, "username", credential.login.username, "docker_cli", "1");
    const std::string_view secret = credential.secret.reveal();
    written(sd_bus_message_open_container(call, 'r', "oayays"));
    write_to(call, "oay", session, 0);
    written(sd_bus_message_append_array(call, 'y', secret.data(), secret.size()));
    write_to(call, "s", "text/plain");
    written(sd_bus_message_close_container(call));
    constexpr int replace = 1;
    write_to(call, "b", replace);
  };
  const BusMessagePtr reply = client_.ask({collection, collection_interface, "CreateItem", write_arguments}, keep);
  std::string item = read_path(reply.get());
  const std::string prompt_path = read_path(reply.get());
  if (prompt_path == "/") {
    return item;
  }
  const BusMessagePtr result = consent(prompt_path, "store the login of " + credential.login.server);
  return sd_bus_message_enter_container(result.get(), 'v', "o") > 0 ? read_path(result.get()) : "";
}

bool SecretServiceWriter::erase(const std::string& path, const Login& login) {
  Answer<std::string> prompt_path;
  client_.ask({question({path, item_interface, "Delete", {}}, read_path, prompt_path)});
  if (prompt_path.error && is_gone(*prompt_path.error)) {
    return false;
  }
  if (const std::string shown = client_.value_of(std::move(prompt_path)); shown != "/") {
    consent(shown, "delete the login of " + login.server);
  }
  return true;
}

}  // namespace regsync
