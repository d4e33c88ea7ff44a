#pragma once

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <vos/serve/service.hpp>
#include <vos/serve/viewer.hpp>
#include <vos/wire/message.hpp>

namespace vos::test {

template <class Fields>
serve::Shared shared_message(Fields fields, std::uint32_t request = 0) {
  return std::make_shared<const wire::Written>(wire::message_of(std::move(fields), request));
}

/// A message with a text of any length.
inline wire::Written hello(std::string token = "", std::uint32_t request = 1) {
  wire::HelloT fields;
  fields.token = std::move(token);
  return wire::message_of(std::move(fields), request);
}

/// Repeats the token of a Hello as the address of an Answer, tells of faults by a Notice, and repeats requests as JSON.
class EchoService : public serve::Service {
 public:
  std::shared_ptr<serve::Receiver> connect(std::shared_ptr<serve::Viewer> viewer, serve::Access access) override {
    last_access = access;
    ++connected;
    if (on_connect) on_connect(viewer);
    return std::make_shared<Echo>(*this, std::move(viewer));
  }

  void request(serve::ApiRequest request, std::function<void(serve::ApiReply)> answer) override {
    if (on_request) return on_request(std::move(request), std::move(answer));
    ++requests;
    serve::ApiReply reply;
    reply.body = {{"method", request.method},
                  {"path", request.path},
                  {"query", request.query},
                  {"body", request.body},
                  {"name", request.upload_name}};
    if (!request.upload.empty()) {
      std::ifstream in{request.upload, std::ios::binary};
      reply.body["bytes"] = std::filesystem::file_size(request.upload);
      reply.body["ending"] = request.upload.extension().string();
      in.close();
      std::filesystem::remove(request.upload);
    }
    answer(std::move(reply));
  }

  void drain(std::function<void()> done) override { done(); }
  bool ready() const override { return is_ready; }

  std::function<void(std::shared_ptr<serve::Viewer>)> on_connect = {};
  std::function<void(serve::ApiRequest, std::function<void(serve::ApiReply)>)> on_request = {};
  std::function<void()> on_room = {};
  std::atomic<int> connected = 0, gone = 0, requests = 0;
  std::atomic<serve::Access> last_access = serve::Access::none;
  std::atomic<bool> is_ready = true;

 private:
  class Echo : public serve::Receiver {
   public:
    Echo(EchoService& service, std::shared_ptr<serve::Viewer> viewer) : service_(service), viewer_(std::move(viewer)) {}

    void receive(const wire::Message& message) override {
      viewer_->trust();
      wire::AnswerT answer;
      if (const auto* fields = message.body_as_Hello()) answer.address = std::string{wire::text_of(fields->token())};
      viewer_->send(shared_message(std::move(answer), message.request()));
    }
    void receive_fault(wire::MessageFault fault) override {
      viewer_->trust();
      wire::NoticeT notice;
      notice.what = std::string{wire::text_of(fault)};
      viewer_->send(shared_message(std::move(notice)));
    }
    void has_room() override {
      if (service_.on_room) service_.on_room();
    }
    void gone() override {
      viewer_.reset();
      ++service_.gone;
    }

   private:
    EchoService& service_;
    std::shared_ptr<serve::Viewer> viewer_;
  };
};

/// The address in an Answer; nothing for another message.
inline std::optional<std::string> echoed(const std::string& payload) {
  std::vector<std::uint64_t> words((payload.size() + 7) / 8 + 1);
  std::copy(payload.begin(), payload.end(), reinterpret_cast<char*>(words.data()));
  const auto opened = wire::open_message({reinterpret_cast<const std::uint8_t*>(words.data()), payload.size()});
  if (opened.message == nullptr || opened.message->body_as_Answer() == nullptr) return std::nullopt;
  return std::string{wire::text_of(opened.message->body_as_Answer()->address())};
}

}  // namespace vos::test
