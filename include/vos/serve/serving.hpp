#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/thread_pool.hpp>

#include <vos/serve/gate.hpp>
#include <vos/serve/metrics.hpp>
#include <vos/serve/options.hpp>
#include <vos/serve/page.hpp>
#include <vos/serve/service.hpp>
#include <vos/serve/watched.hpp>

namespace vos::serve {

/// The numbers of the network part.
struct NetworkMetrics {
  explicit NetworkMetrics(Metrics& m)
      : connections(m.gauge("vos_connections", "Open connections, viewers included.")),
        viewers(m.gauge("vos_viewers", "Open WebSockets.")),
        accepted(m.counter("vos_connections_total", "Connections accepted.")),
        refused(m.counter("vos_connections_refused_total", "Connections closed at once: there were too many.")),
        sent_messages(m.counter("vos_sent_messages_total", "WebSocket messages sent.")),
        sent_bytes(m.counter("vos_sent_bytes_total", "Bytes of WebSocket messages sent.")),
        received_messages(m.counter("vos_received_messages_total", "WebSocket messages received.")),
        dropped_frames(m.counter("vos_dropped_frames_total", "Frames left out for slow viewers.")),
        cut(m.counter("vos_viewers_cut_total", "Viewers cut off because they stalled or flooded.")),
        upload_bytes(m.counter("vos_upload_bytes_total", "Bytes of uploads received.")),
        send(m.histogram("vos_send_seconds", "From the beginning of a write to its end, for each message.")) {}

  Gauge &connections, &viewers;
  Counter &accepted, &refused, &sent_messages, &sent_bytes, &received_messages, &dropped_frames, &cut, &upload_bytes;
  Histogram& send;
};

/// What all connections of a server share. On the network thread.
struct Serving {
  Serving(ServerOptions o, const Gate& g, Service& s, Metrics& m, Pages p)
      : options(std::move(o)), gate(g), service(s), metrics(m), network(m), pages(std::move(p)) {}

  ServerOptions options;
  const Gate& gate;
  Service& service;
  Metrics& metrics;
  NetworkMetrics network;
  Pages pages;
  std::uint16_t port = 0;
  std::size_t uploads = 0;  ///< under way
  bool stopped = false;
  std::shared_ptr<Watched::All> open = std::make_shared<Watched::All>();
  boost::asio::thread_pool files{1};  ///< reads and writes files, so that a slow disk holds up nobody else

  std::string cookie_name() const { return "vos_token_" + std::to_string(port); }
};

}  // namespace vos::serve
