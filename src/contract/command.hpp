// Everything a brain can ask of a world. Commands are obligations, carried out in the order given.
//
// Each comment says the world's duty and the event that ends it. "Last": the brain has forgotten the message,
// and so may the world. File trouble that is not named here is the world's to log, or to die of
// (spec/divergences.md says which).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "contract/dsn.hpp"
#include "contract/id.hpp"
#include "contract/log_record.hpp"
#include "contract/message.hpp"
#include "contract/recipient.hpp"
#include "contract/time.hpp"

namespace weir {

// --- scans -------------------------------------------------------------------------------------------

// Move every file left in active/ to incoming/, due now. No answer.
struct RecoverActive {
  template <class V>
  void fields(V&&) const {}
  friend bool operator==(const RecoverActive&, const RecoverActive&) = default;
};

// Open the queue directory for a scan. No answer; failure ends the process.
struct OpenScan {
  Queue queue{};
  template <class V>
  void fields(V&& v) const {
    v("queue", queue);
  }
  friend bool operator==(const OpenScan&, const OpenScan&) = default;
};

// One step of the open scan. Immediate answer: ScanEntry, or ScanEnded (the world closes the directory).
struct ScanNext {
  Queue queue{};
  template <class V>
  void fields(V&& v) const {
    v("queue", queue);
  }
  friend bool operator==(const ScanNext&, const ScanNext&) = default;
};

// --- files -------------------------------------------------------------------------------------------

// Move the file to active, open and lock it, read the envelope and the first recipients (at most `at_most`
// deliverable ones), and drop a flush request from its mode. Immediate answer: Admitted or AdmitFailed.
struct Admit {
  MessageId message;
  Queue from{};
  std::string queue_id;
  bool flush_request = false, expire_request = false;
  std::int64_t at_most = 0;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
    v("from", from);
    v("queue_id", queue_id);
    v("flush_request", flush_request);
    v("expire_request", expire_request);
    v("at_most", at_most);
  }
  friend bool operator==(const Admit&, const Admit&) = default;
};

// Read the next batch. Immediate answer: RecipientsRead or ReadFailed.
struct ReadRecipients {
  MessageId message;
  std::int64_t at_most = 0;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
    v("at_most", at_most);
  }
  friend bool operator==(const ReadRecipients&, const ReadRecipients&) = default;
};

// The rest of the recipients will never be read (redirect). No answer.
struct DropUnread {
  MessageId message;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
  }
  friend bool operator==(const DropUnread&, const DropUnread&) = default;
};

// Remove defer/ID; missing is fine. No answer.
struct RemoveDeferLog {
  MessageId message;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
  }
  friend bool operator==(const RemoveDeferLog&, const RemoveDeferLog&) = default;
};

// Look at bounce/ID. Immediate answer: BounceLogChecked.
struct CheckBounceLog {
  MessageId message;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
  }
  friend bool operator==(const CheckBounceLog&, const CheckBounceLog&) = default;
};

// Remove the (empty) bounce/ID. No answer.
struct RemoveBounceLog {
  MessageId message;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
  }
  friend bool operator==(const RemoveBounceLog&, const RemoveBounceLog&) = default;
};

// Look at active/ID as a scan would. Immediate answer: FileChecked.
struct CheckFile {
  MessageId message;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
  }
  friend bool operator==(const CheckFile&, const CheckFile&) = default;
};

// Overwrite the type byte of the recipient record at `offset` with the done mark. No answer.
struct MarkDone {
  MessageId message;
  std::int64_t offset = 0;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
    v("offset", offset);
  }
  friend bool operator==(const MarkDone&, const MarkDone&) = default;
};

// Kill the trace flags record at Envelope::trace_offset. No answer; a vanished file is a warning.
struct KillTrace {
  MessageId message;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
  }
  friend bool operator==(const KillTrace&, const KillTrace&) = default;
};

// Rewrite the warning record at Envelope::warn_offset: already sent. No answer; a vanished file is a warning.
struct UpdateWarn {
  MessageId message;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
  }
  friend bool operator==(const UpdateWarn&, const UpdateWarn&) = default;
};

// Last. Set the time stamps to `not_before`, then move active -> deferred.
struct Retry {
  MessageId message;
  Seconds not_before{};
  template <class V>
  void fields(V&& v) const {
    v("message", message);
    v("not_before", not_before);
  }
  friend bool operator==(const Retry&, const Retry&) = default;
};

// Last. Set the time stamps to `not_before`, then move active -> incoming (locked by somebody else).
struct CoolDown {
  MessageId message;
  Seconds not_before{};
  template <class V>
  void fields(V&& v) const {
    v("message", message);
    v("not_before", not_before);
  }
  friend bool operator==(const CoolDown&, const CoolDown&) = default;
};

// Last. Remove active/ID and log "removed", or warn.
struct Remove {
  MessageId message;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
  }
  friend bool operator==(const Remove&, const Remove&) = default;
};

// Last. Move active/ID to corrupt/ and warn; a missing file is silent.
struct MarkCorrupt {
  MessageId message;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
  }
  friend bool operator==(const MarkCorrupt&, const MarkCorrupt&) = default;
};

// Last. There is no file of ours to move (AdmitFailed{not_moved}).
struct Forget {
  MessageId message;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
  }
  friend bool operator==(const Forget&, const Forget&) = default;
};

// --- resolver ----------------------------------------------------------------------------------------

// Ask the resolver about each address, in this order. Ends with Resolved. The world knows the sender, and
// asks in class "verify" for an address verification probe.
struct Resolve {
  MessageId message;
  bool probe = false;
  bool rewrite_first = false;  // a redirect address: rewrite (rule local, external form), then resolve the result
  std::vector<std::string> addresses;
  template <class V>
  void fields(V&& v) const {
    v("message", message);
    v("probe", probe);
    v("rewrite_first", rewrite_first);
    v("addresses", addresses);
  }
  friend bool operator==(const Resolve&, const Resolve&) = default;
};

// --- agents ------------------------------------------------------------------------------------------

// Connect to the agent socket of this transport. Ends with AgentReady or AgentFailed.
struct RequestAgent {
  AgentId agent;
  std::string transport;
  template <class V>
  void fields(V&& v) const {
    v("agent", agent);
    v("transport", transport);
  }
  friend bool operator==(const RequestAgent&, const RequestAgent&) = default;
};

// Send a delivery request to an agent that has greeted. Ends with Delivered, or AgentFailed{write}.
// The world adds what the envelope says, expands a VERP sender (from the first recipient) and sets the
// per-request SMTPUTF8 bit.
struct Deliver {
  AgentId agent;
  MessageId message;
  std::string nexthop;
  unsigned flags = 0;
  std::vector<Recipient> recipients;
  template <class V>
  void fields(V&& v) const {
    v("agent", agent);
    v("message", message);
    v("nexthop", nexthop);
    v("flags", flags);
    v("recipients", recipients);
  }
  friend bool operator==(const Deliver&, const Deliver&) = default;
};

// Hang up on an agent that has greeted. No answer.
struct ReleaseAgent {
  AgentId agent;
  template <class V>
  void fields(V&& v) const {
    v("agent", agent);
  }
  friend bool operator==(const ReleaseAgent&, const ReleaseAgent&) = default;
};

// --- services ----------------------------------------------------------------------------------------

// Add a recipient to the defer or trace log.
struct AppendRequest {
  Service service{};  // defer or trace
  unsigned flags = 0;
  Recipient recipient;
  Dsn dsn;
  std::string action;  // "delayed", "delivered", "deliverable", "undeliverable"
  template <class V>
  void fields(V&& v) const {
    v("service", service);
    v("flags", flags);
    v("recipient", recipient);
    v("dsn", dsn);
    v("action", action);
  }
  friend bool operator==(const AppendRequest&, const AppendRequest&) = default;
};

// Send a report about the whole message.
struct ReportRequest {
  enum class Kind : std::uint8_t { flush, warn, trace };
  Service service{};  // bounce (flush), defer (flush, warn), trace (trace)
  Kind kind{};
  bool verp = false;  // flush only: one report per recipient, with Envelope::verp_delimiters
  unsigned flags = 0;
  template <class V>
  void fields(V&& v) const {
    v("service", service);
    v("kind", kind);
    v("verp", verp);
    v("flags", flags);
  }
  friend bool operator==(const ReportRequest&, const ReportRequest&) = default;
};

// Tell verify(8) the outcome of a probe. `status`: 0 deliverable, 1 deferred, 2 undeliverable.
struct VerifyUpdate {
  std::string address;
  int status = 0;
  std::string reason;
  template <class V>
  void fields(V&& v) const {
    v("address", address);
    v("status", status);
    v("reason", reason);
  }
  friend bool operator==(const VerifyUpdate&, const VerifyUpdate&) = default;
};

// Tell flush(8) that mail for this domain is deferred. The world answers ok by itself when the domain does not
// match fast_flush_domains.
struct FlushAdd {
  std::string site;
  template <class V>
  void fields(V&& v) const {
    v("site", site);
  }
  friend bool operator==(const FlushAdd&, const FlushAdd&) = default;
};

using ServiceRequest = std::variant<AppendRequest, ReportRequest, VerifyUpdate, FlushAdd>;

// Ends with ServiceAnswered. Any trouble (no service, no answer, nonsense) is an answer that is not ok.
struct AskService {
  TicketId ticket;
  MessageId message;
  ServiceRequest request;
  template <class V>
  void fields(V&& v) const {
    v("ticket", ticket);
    v("message", message);
    v("request", request);
  }
  friend bool operator==(const AskService&, const AskService&) = default;
};

// --- the rest ----------------------------------------------------------------------------------------

// Write a log line, at this place in the order of things. No answer.
struct Log {
  LogRecord record;
  template <class V>
  void fields(V&& v) const {
    v("record", record);
  }
  friend bool operator==(const Log&, const Log&) = default;
};

// Bring the flow-control pipe towards default_process_limit tokens: below it `one` adds one token, `fill` adds
// all that are missing, `hold` adds none; above it the surplus is always read away. No answer.
struct BalanceFlow {
  enum class Grant : std::uint8_t { hold, one, fill };
  Grant grant{};
  template <class V>
  void fields(V&& v) const {
    v("grant", grant);
  }
  friend bool operator==(const BalanceFlow&, const BalanceFlow&) = default;
};

using Command =
    std::variant<RecoverActive, OpenScan, ScanNext, Admit, ReadRecipients, DropUnread, RemoveDeferLog, CheckBounceLog,
                 RemoveBounceLog, CheckFile, MarkDone, KillTrace, UpdateWarn, Retry, CoolDown, Remove, MarkCorrupt,
                 Forget, Resolve, RequestAgent, Deliver, ReleaseAgent, AskService, Log, BalanceFlow>;

}  // namespace weir
