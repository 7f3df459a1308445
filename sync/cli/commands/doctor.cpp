// regsync doctor: checks each part and prints a verdict with a remedy.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "sync/cli/command.hpp"
#include "sync/cli/commands/doctor_checks.hpp"
#include "sync/cli/view/fold.hpp"

namespace regsync::cli {
namespace {

struct DoctorOptions {
  std::optional<std::filesystem::path> kubeconfig;
  Format format = Format::table;
};

Cell verdict_of(Health health) {
  switch (health) {
    case Health::ok:
      return {"ok", Colour::green};
    case Health::warning:
      return {"warning", Colour::yellow};
    case Health::failed:
      return {"FAILED", Colour::red};
  }
  return {"FAILED", Colour::red};
}

// For people: if more than a few contexts are fine in the same way, merges them into one line, so that problems of
// others stand out.
Findings folded_contexts(const Findings& findings) {
  constexpr std::size_t few = 3;
  const auto is_fine = [](const Finding& finding) {
    return finding.health == Health::ok && finding.subject.starts_with("context ");
  };
  std::map<std::string, std::size_t> alike;  // by text
  for (const Finding& finding : findings) {
    alike[finding.text] += is_fine(finding) ? 1 : 0;
  }
  Findings folded;
  std::set<std::string> told;
  for (const Finding& finding : findings) {
    if (!is_fine(finding) || alike[finding.text] <= few) {
      folded.push_back(finding);
    } else if (told.insert(finding.text).second) {
      folded.push_back({std::to_string(alike[finding.text]) + " contexts", Health::ok, finding.text, ""});
    }
  }
  return folded;
}

void print(const Findings& all_findings, const Format& format, Console& console) {
  const Findings findings = format == Format::table ? folded_contexts(all_findings) : all_findings;
  if (format != Format::table) {
    nlohmann::json all = nlohmann::json::array();
    for (const Finding& finding : findings) {
      nlohmann::json item = {{"subject", finding.subject}, {"text", finding.text}};
      item["verdict"] = finding.health == Health::ok ? "ok" : finding.health == Health::warning ? "warning" : "failed";
      if (!finding.remedy.empty()) {
        item["remedy"] = finding.remedy;
      }
      all.push_back(std::move(item));
    }
    print_structured(console.out, make_list("FindingList", std::move(all)), format);
    return;
  }
  // A remedy is printed below its line, which a Table cannot do, so measure the columns here.
  int subject_width = 0;
  for (const Finding& finding : findings) {
    subject_width = std::max(subject_width, display_width(finding.subject));
  }
  constexpr int verdict_width = 7;
  for (const Finding& finding : findings) {
    const Cell verdict = verdict_of(finding.health);
    const auto blanks = [](int count) { return std::string(static_cast<std::size_t>(std::max(0, count)), ' '); };
    print_folded(console.out, paint(verdict.text, verdict.colour, console.colour) +
                                  blanks(verdict_width - display_width(verdict.text)) + "   " +
                                  printable(finding.subject) + blanks(subject_width - display_width(finding.subject)) +
                                  "   " + printable(finding.text) + '\n');
    if (!finding.remedy.empty()) {
      tell(console.out, blanks(verdict_width) + "   " +
                            paint("-> " + printable(finding.remedy), Colour::yellow, console.colour) + '\n');
    }
  }
}

// Removes "`regsync doctor` tells more" from remedies of the keyring, since this is `regsync doctor`.
void drop_reference_to_doctor(std::string& remedy) {
  remedy.erase(std::min(remedy.find("; `regsync doctor`"), remedy.size()));
}

int doctor(const DoctorOptions& options, Console& console) {
  Findings findings;
  const bool has_store = check_secret_store(console, findings);
  const std::vector<std::filesystem::path> login_files = check_login_files(findings);
  check_program(findings);
  check_docker(findings);
  check_containers(findings);
  check_helm(findings);
  const std::optional<StatusReport> daemon = check_service(findings);
  const std::vector<Target> targets = check_files(findings);
  check_contexts(targets, options.kubeconfig, daemon, console, findings);
  if (has_store) {
    check_logins(targets, {}, console, findings);
  } else if (!login_files.empty()) {  // do not wait again for a keyring that does not answer
    check_logins(targets, login_files, console, findings);
  }
  for (Finding& finding : findings) {
    drop_reference_to_doctor(finding.remedy);
  }
  print(findings, options.format, console);
  const bool well =
      std::ranges::none_of(findings, [](const Finding& finding) { return finding.health == Health::failed; });
  return well ? exit_done : exit_not_as_asked;
}

}  // namespace

void define_doctor(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App* command = add_command(app, "doctor", "Check everything that regsync needs, and how to fix it",
                                  {{"When something does not work", "regsync doctor"},
                                   {"In a script: exit code 0 only if nothing failed", "regsync doctor -o json"}});
  add_output(command, options->format, {Format::json, Format::yaml});
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, doctor);
}

}  // namespace regsync::cli
