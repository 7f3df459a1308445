// The remote checks: clusters and registries.
#include <algorithm>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>
#include <ctime>
#include <nlohmann/json.hpp>

#include "helper/base/wall_time.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/cli/ask/daemon_environment.hpp"
#include "sync/cli/ask/for_each_context.hpp"
#include "sync/cli/ask/known_footprints.hpp"
#include "sync/cli/ask/known_logins.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/cli/ask/meant_target.hpp"
#include "sync/cli/ask/rights.hpp"
#include "sync/cli/ask/snapshot.hpp"
#include "sync/cli/commands/doctor_checks.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cli/view/text.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/engine/owner_file.hpp"
#include "sync/kube/http/http_client.hpp"
#include "sync/logins/registry_client.hpp"
#include "sync/model/desired_state.hpp"
#include "sync/model/places.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

// Beyond this, certificates and tokens may seem not yet valid or expired.
constexpr std::chrono::seconds tolerated_skew{60};
constexpr std::chrono::seconds time_of_a_context{15};

Finding failed(std::string subject, const Error& error) {
  return {std::move(subject), Health::failed, error.message(), error.remedy()};
}

// Makes a finding, and adds a remedy if the error has none, like most errors of an API server.
Finding context_failed(const std::string& context, const Error& error) {
  Finding finding = failed("context " + context, error);
  if (finding.remedy.empty()) {
    finding.remedy = "see whether kubectl gets an answer: kubectl --context " + shell_word(context) + " version";
  }
  return finding;
}

// A transport that records the server's Date header.
class DatedTransport final : public kube::HttpTransport {
 public:
  DatedTransport(const asio::any_io_executor& executor, kube::Endpoint endpoint, std::string& date)
      : client_(executor, std::move(endpoint)), date_(date) {}

  asio::awaitable<kube::HttpResponse> send(const kube::HttpRequest& request) override {
    kube::HttpResponse response = co_await client_.send(request);
    if (!response.date.empty()) {
      date_ = response.date;
    }
    co_return response;
  }
  asio::awaitable<kube::HttpResponse> stream(const kube::HttpRequest& request, std::function<void()> on_open,
                                             std::function<void(std::string_view)> on_bytes) override {
    return client_.stream(request, std::move(on_open), std::move(on_bytes));
  }

 private:
  kube::HttpClient client_;
  std::string& date_;
};

// RFC 9110, 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<WallTime> parse_http_date(const std::string& text) {
  std::tm utc{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  if (end == nullptr || *end != '\0') {
    return std::nullopt;
  }
  return wall_time(::timegm(&utc));
}

void check_clock(const std::string& subject, const std::string& date, WallTime now, Findings& findings) {
  const auto server = parse_http_date(date);
  if (!server) {
    return;
  }
  const auto skew = std::chrono::duration_cast<std::chrono::seconds>(now - *server);
  if (std::chrono::abs(skew) <= tolerated_skew) {
    return;
  }
  findings.push_back({subject, Health::failed,
                      "this machine's clock is " + human_age(std::chrono::abs(skew)) +
                          (skew.count() > 0 ? " ahead of" : " behind") + " the API server's",
                      "set it: timedatectl set-ntp true"});
}

struct Question {
  std::string verb;
  std::string resource;
  std::string name;
  std::string name_space;

  auto operator<=>(const Question&) const = default;
};

std::vector<Question> questions_of(const Rights& rights) {
  std::vector<Question> questions;
  const std::vector<std::string> places = rights.everywhere ? std::vector<std::string>{""} : rights.namespaces;
  for (const Rule& rule : rules_of(rights)) {
    const std::vector<std::string> names = rule.names.empty() ? std::vector<std::string>{""} : rule.names;
    for (const std::string& place : places) {
      for (const std::string& name : names) {
        for (const std::string& verb : rule.verbs) {
          questions.push_back({verb, rule.resource, name, place});
        }
      }
    }
  }
  return questions;
}

asio::awaitable<bool> is_allowed(kube::KubeClient& client, Question question) {
  const auto slash = question.resource.find('/');
  json attributes = {{"verb", question.verb}, {"resource", question.resource.substr(0, slash)}};
  if (slash != std::string::npos) {
    attributes["subresource"] = question.resource.substr(slash + 1);
  }
  if (!question.name.empty()) {
    attributes["name"] = question.name;
  }
  if (!question.name_space.empty()) {
    attributes["namespace"] = question.name_space;
  }
  json body = {{"apiVersion", "authorization.k8s.io/v1"}, {"kind", "SelfSubjectAccessReview"}};
  body["spec"]["resourceAttributes"] = std::move(attributes);
  kube::ObjectPath reviews;
  reviews.resource = "selfsubjectaccessreviews";
  reviews.api = "/apis/authorization.k8s.io/v1";
  std::string text = body.dump();
  const json review = co_await client.create(std::move(reviews), std::move(text));
  co_return flag_at(review, {"status", "allowed"});
}

using Answers = std::map<Question, bool>;

// A worker that takes the next open question until none is left. The first problem ends all workers, because asio's
// `&&` combines the exceptions of several into one without details.
asio::awaitable<void> answer_some(kube::KubeClient& client, Answers& answers, Answers::iterator& next,
                                  std::optional<Error>& problem) {
  while (next != answers.end() && !problem) {
    const auto taken = next++;
    Question question = taken->first;
    try {
      taken->second = co_await is_allowed(client, std::move(question));
    } catch (const Error& error) {
      if (!problem) {
        problem = error;
      }
    }
  }
}

// Asks each question once, several at a time, because a target has some for each of its namespaces.
asio::awaitable<Answers> ask_all(kube::KubeClient& client, std::vector<Question> questions) {
  using namespace asio::experimental::awaitable_operators;
  Answers answers;
  for (Question& question : questions) {
    answers.emplace(std::move(question), false);
  }
  auto next = answers.begin();
  std::optional<Error> problem;
  const auto some = [&] { return answer_some(client, answers, next, problem); };
  asio::awaitable<void> all = some() && some() && some() && some() && some() && some() && some() && some();
  co_await std::move(all);
  if (problem) {
    throw Error(*problem);
  }
  co_return answers;
}

void check_rights(const std::string& context, const std::string& target, const std::vector<Question>& questions,
                  const Answers& answers, Findings& findings) {
  const std::string subject = "context " + context;
  std::vector<std::string> missing;
  for (const Question& question : questions) {
    if (!answers.at(question)) {
      missing.push_back(question.verb + " " + question.resource +
                        (question.name_space.empty() ? "" : " in " + question.name_space));
    }
  }
  if (missing.empty()) {
    findings.push_back({subject, Health::ok, "has the rights that target " + target + " needs", ""});
  } else {
    const std::string of_context = " --context " + shell_word(context);
    findings.push_back(
        {subject, Health::failed, "target " + target + " may not: " + join(missing, ", ", 4),
         "have an administrator run: regsync rbac " + target + of_context + " | kubectl" + of_context + " apply -f -"});
  }
}

// Whether this user made Secrets here, on this machine, under an owner id that is not the present one.
asio::awaitable<void> check_owner(kube::KubeClient& client, Places places, const Owner& owner, std::string subject,
                                  Findings& findings) {
  Snapshot snapshot;
  try {
    snapshot = co_await read_snapshot(client, places, Detail::metadata);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::forbidden) {
      throw;
    }
    co_return;  // check_rights has reported it
  }
  const auto lost = std::ranges::count_if(snapshot.secrets, [&](const auto& item) {
    const SecretView view = view_secret(item.second, owner.id);
    return places.cover(item.first) && is_lost(view, owner.holder());
  });
  if (lost > 0) {
    findings.push_back({subject, Health::failed,
                        count_of(static_cast<std::size_t>(lost), "Secret") +
                            " made here by this user on this machine under another owner id: regsync's state folder "
                            "was lost, or another one is used",
                        "take back all that this user made: regsync sync --adopt"});
  }
}

asio::awaitable<void> check_context(kube::KubeClient& given, const std::vector<Target>& targets,
                                    const FootprintStore& footprints, const std::optional<Owner>& owner, WallTime now,
                                    Findings& findings) {
  const std::string subject = "context " + given.context().name;
  const auto executor = co_await asio::this_coro::executor;
  std::string date;
  kube::ResolvedContext context = given.context().clone();
  auto transport = std::make_unique<DatedTransport>(executor, kube::endpoint_of(context), date);
  kube::KubeClient client(std::move(context), std::move(transport));
  client.repeat_until(std::chrono::steady_clock::now() + time_of_a_context);

  const json version = co_await client.version();
  const std::string_view git_version = text_at(version, {"gitVersion"});
  findings.push_back({subject, Health::ok,
                      "reachable, Kubernetes " + (git_version.empty() ? std::string("?") : std::string(git_version)),
                      ""});
  check_clock(subject, date, now, findings);
  const kube::ResolvedContext& here = client.context();
  Places places;
  std::map<std::string, std::vector<Question>> by_target;
  std::vector<Question> questions;
  for (const Target& target : targets) {
    if (selects_context(target, here.name)) {
      const Target meant = meant_in(target, here, footprints);
      std::vector<Question> its = questions_of(rights_of(meant, here.default_namespace));
      questions.insert(questions.end(), its.begin(), its.end());
      by_target.emplace(target.name, std::move(its));
      places.merge(places_of(meant, here.default_namespace));
    }
  }
  const Answers answers = co_await ask_all(client, std::move(questions));
  for (const auto& [target, its] : by_target) {
    check_rights(here.name, target, its, answers, findings);
  }
  if (owner) {
    co_await check_owner(client, std::move(places), *owner, subject, findings);
  }
}

asio::awaitable<void> check_login(std::shared_ptr<const Credential> credential, LoginKeeper keeper,
                                  Findings& findings) {
  const RegistryKey key(credential->login.server);
  RegistryLogin login = login_of(*credential);
  std::string host(key.host());
  const PullAnswer answer = co_await try_login(std::move(host), std::move(login));
  const std::string subject = "login " + credential->login.server;
  if (answer.verdict == PullVerdict::can_pull) {
    findings.push_back({subject, Health::ok, "accepted by the registry as " + credential->login.username, ""});
    if (!answer.note.empty()) {
      findings.push_back({subject, Health::warning, answer.note, "if you do not trust that server, docker logout"});
    }
  } else if (answer.verdict == PullVerdict::denied) {
    findings.push_back({subject, Health::failed, "stale: " + answer.detail, how_to_renew(key, keeper)});
  } else {
    findings.push_back({subject, Health::warning, "not known whether it is still good: " + answer.detail,
                        "try again when the registry can be reached"});
  }
}

std::optional<Owner> owner_of_this_machine(Findings& findings) {
  try {
    return known_owner(settings_in_force());
  } catch (const Error& error) {
    findings.push_back(failed("owner", error));
    return std::nullopt;
  }
}

}  // namespace

void check_contexts(const std::vector<Target>& targets, const std::optional<std::filesystem::path>& kubeconfig_path,
                    const std::optional<StatusReport>& daemon, Console& console, Findings& findings) {
  if (targets.empty()) {
    return;
  }
  try {
    const kube::Kubeconfig kubeconfig = load_kubeconfig_in_force(kubeconfig_path);
    for (const Target& target : targets) {
      for (const std::string& pattern : target.contexts) {
        try {
          require_contexts(kubeconfig, {pattern});
        } catch (const Error& error) {
          findings.push_back(failed("kubeconfig", error));
        }
      }
    }
    // Contexts are checked concurrently; the lines of each stay together.
    const std::vector<std::string> contexts = selected_contexts(targets, kubeconfig);
    if (daemon && !kubeconfig_path) {
      for (const Error& difference : environment_differences(*daemon, kubeconfig, contexts)) {
        findings.push_back({"daemon", Health::warning, difference.message(), difference.remedy()});
      }
    }
    const std::optional<Owner> owner = owner_of_this_machine(findings);
    const FootprintStore footprints = known_footprints();
    std::map<std::string, Findings> by_context;
    for_each_context(
        kubeconfig, contexts, time_of_a_context,
        [&](kube::KubeClient& client) {
          return check_context(client, targets, footprints, owner, console.now(), by_context[client.context().name]);
        },
        [&](const std::string& context, const Error& error) {
          by_context[context].push_back(context_failed(context, error));
        });
    for (const auto& [context, lines] : by_context) {
      findings.insert(findings.end(), lines.begin(), lines.end());
    }
  } catch (const Error& error) {
    findings.push_back(failed("kubeconfig", error));
  }
}

void check_logins(const std::vector<Target>& targets, const std::vector<std::filesystem::path>& only, Console& console,
                  Findings& findings) {
  KnownLogins known;
  try {
    known = read_logins(console, targets, Prompt::never, std::chrono::seconds(10), only);
  } catch (const Error&) {
    return;  // check_docker has reported it
  }
  std::map<std::string, std::shared_ptr<const Credential>> used;  // by server
  std::map<std::string, Error> problems;                          // by registry
  for (const Target& target : targets) {
    for (const std::string& registry : target.registries) {
      Target one = target;
      one.registries = {registry};
      const Plan plan = make_plan(one, known);
      if (!plan.problems.empty()) {
        problems.emplace(registry, plan.problems.front());
      }
      for (const auto& [key, credential] : plan.entries) {
        used.emplace(credential->login.server, credential);
      }
    }
  }
  for (const auto& [registry, problem] : problems) {
    // Report once why the keyring or the login files cannot be read. With only the files read, a missing login may be
    // in the keyring.
    const bool told =
        std::ranges::any_of(findings, [&](const Finding& finding) { return finding.text == problem.message(); });
    if (!told && (only.empty() || problem.code() != ErrorCode::login_missing)) {
      findings.push_back(failed("login " + registry, problem));
    }
  }

  asio::io_context io(1);
  for (const auto& [server, credential] : used) {
    spawn_guarded(io.get_executor(),
                  check_login(credential, known.keeper_of(RegistryKey(credential->login.server)), findings),
                  [&findings, server = server](const std::optional<Error>& problem) {
                    if (problem) {
                      findings.push_back(failed("login " + server, *problem));
                    }
                  });
  }
  io.run();
}

}  // namespace regsync::cli
