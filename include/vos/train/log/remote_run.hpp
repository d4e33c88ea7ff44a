#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace vos {

/// A value of a curve.
struct CurvePoint {
  std::string curve = {};  ///< GROUP/NAME, or a name alone
  std::int64_t step = 0;
  double time = 0;  ///< seconds since 1970
  double value = 0;
};

struct RemotePicture {
  std::string name = {};
  std::int64_t step = 0;
  double time = 0;
  std::vector<std::uint8_t> png = {};
};

/// A run as a server keeps it: one protocol. Calls throw NoAnswer where another time may do better, and other Errors where it
/// will not.
///
/// Models: MlflowRun, ClearmlRun, VisdomRun. Consumer: RunSender.
class RemoteRun {
 public:
  struct Opened {
    std::string id = {};
    bool fresh = false;  ///< the server knows nothing of it yet
  };

  virtual ~RemoteRun() = default;
  virtual std::string kind() const = 0;    ///< "mlflow"
  virtual std::string server() const = 0;  ///< its address, without passwords

  /// The first call of a session: goes on with the run of this id; a new one where it is empty, or the server has lost it.
  virtual Opened open(const std::string& id, double time) = 0;
  virtual std::string page() const = 0;  ///< where a person sees it, once it is open

  /// Settings that are new (`before` is empty) or that changed as the run was resumed.
  virtual void settings(const std::map<std::string, std::string>& now,
                        const std::map<std::string, std::string>& before) = 0;
  virtual void points(const std::vector<CurvePoint>& points) = 0;  ///< at most 1000, of finite values
  virtual void picture(const RemotePicture&) {}
  virtual void message(double /*time*/, const std::string& /*text*/) {}
  virtual void end(double time, const std::string& how) = 0;  ///< as TrainEnd is told, or "failed"
};

}  // namespace vos
