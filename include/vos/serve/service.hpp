#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include <vos/serve/viewer.hpp>

namespace vos::serve {

/// What somebody may do who has shown what they have.
enum class Access : std::uint8_t {
  none,   ///< nothing shown, or something wrong: a Hello may still bring a token, a resume token or a watcher's secret
  owner,  ///< knows the server's token (or the server wants none)
};

/// One request to /api/..., checked and whole. The body of an upload lies in a file.
struct ApiRequest {
  std::string method = {};                        ///< GET, POST, DELETE
  std::string path = {};                          ///< behind /api/, without the query; percent signs undone
  std::map<std::string, std::string> query = {};  ///< percent signs undone
  nlohmann::json body = {};                       ///< of JSON requests, else null
  std::filesystem::path upload = {};              ///< a POST of a file: the receiver owns the file from now on
  std::string upload_name = {};                   ///< as the client calls it; never a path
};

/// The answer: JSON, or a file.
struct ApiReply {
  int status = 200;
  nlohmann::ordered_json body = {};
  std::filesystem::path file = {};  ///< sent instead of `body`
  std::string file_name = {};       ///< as the browser shall save it
  std::string content_type = {};    ///< of the file
};

/// What the network part serves: sessions, in `vos-serve`. All is called on the network thread and returns at once.
///
/// Model: Sessions. Consumer: Server.
class Service {
 public:
  virtual ~Service() = default;
  /// A socket was opened at /ws. Whether it may do anything is for its Hello to say where `access` is none.
  virtual std::shared_ptr<Receiver> connect(std::shared_ptr<Viewer> viewer, Access access) = 0;
  /// A request to /api/ by an owner (all that needs no token is answered by the network part). `answer` is called once, now or
  /// later, on the network thread.
  virtual void request(ApiRequest request, std::function<void(ApiReply)> answer) = 0;
  /// No new sessions; ends those there are when what was asked for is done. `done` is called on the network thread.
  virtual void drain(std::function<void()> done) = 0;
  /// Whether it can take sessions: /readyz.
  virtual bool ready() const = 0;
};

}  // namespace vos::serve
