#include "daemon/http/peer_owner.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

namespace regsync {
namespace {

using asio::ip::tcp;

class PeerOwner : public testing::Test {
 protected:
  PeerOwner() { client_.connect(listener_.local_endpoint()); }
  [[nodiscard]] int port_of_client() const { return client_.local_endpoint().port(); }
  [[nodiscard]] int port_of_server() const { return listener_.local_endpoint().port(); }

  asio::io_context io_;
  tcp::acceptor listener_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  tcp::socket client_{io_};
};

TEST_F(PeerOwner, IsWhoMadeTheClientsSocket) {
  EXPECT_EQ(owner_of_peer(port_of_client(), port_of_server()), ::getuid());
  const tcp::socket accepted = listener_.accept();
  EXPECT_EQ(owner_of_peer(port_of_client(), port_of_server()), ::getuid());
}

TEST_F(PeerOwner, IsNobodyWhereThereIsNoSuchConnection) {
  EXPECT_FALSE(owner_of_peer(port_of_server(), port_of_server()));
  EXPECT_FALSE(owner_of_peer(port_of_client(), port_of_client()));
  EXPECT_FALSE(owner_of_peer(0, port_of_server())) << "that is the listening socket";
  EXPECT_FALSE(owner_of_peer(-1, port_of_server()));
  EXPECT_FALSE(owner_of_peer(port_of_client() + 65536, port_of_server()));
}

}  // namespace
}  // namespace regsync
