import Runtime
import RuntimeHTTP
import RuntimeTestSupport
import Testing

@testable import RuntimeConsole

@Suite struct LocalOnlyTests {
  @Test(arguments: [
    ("127.0.0.1:5", true), ("127.8.9.1:5", true), ("[::1]:5", true), ("[::ffff:127.0.0.1]:5", true), ("unix:@a", true),
    ("10.0.0.1:5", false), ("128.0.0.1:5", false), ("[::ffff:10.0.0.1]:5", false), ("[::2]:5", false),
    ("[7f00::1]:5", false), ("0.0.0.0:5", false),
  ])
  func `The console answers only clients on this machine`(address: String, isLetIn: Bool) async throws {
    let request = request(from: address)
    #expect(await status(request) == (isLetIn ? 200 : 403))
  }

  @Test func `The console refuses a client without an address`() async {
    #expect(await status(Request(target: "/console", headers: ["Host": "localhost"])) == 403)
  }

  @Test(arguments: [
    ("localhost", true), ("localhost:8080", true), ("LOCALHOST:1", true), ("a.localhost:1", true),
    ("127.0.0.1:80", true),
    ("10.1.2.3", true), ("[::1]:80", true), ("[::1]", true),
    ("example.org", false), ("example.org:80", false), ("localhost.example.org", false), ("notlocalhost", false),
    ("127.0.0.1.example.org", false), ("127.0.0.1:80:example", false), ("", false), ("::1", false),
    ("[example]", false),
    ("localhost:80@example.org", false),
  ])
  func `A host name that another party may control is refused`(host: String, isLetIn: Bool) async throws {
    #expect(await status(request(host: host)) == (isLetIn ? 200 : 403))
  }

  @Test(arguments: ["Forwarded", "x-forwarded-for", "X-Real-IP", "Via"])
  func `Requests forwarded by a proxy are refused`(field: String) async throws {
    var request = request()
    request.headers[field] = "1.2.3.4"
    #expect(await status(request) == 403)
  }

  @Test(arguments: ["/console", "/console/console.js", "/console/console.css", "/console/snapshot", "/console/events"])
  func `All of the console's paths have this restriction, and metrics do not`(path: String) async throws {
    let (router, close) = try makeRouter()
    #expect(await router.response(to: request(path, from: "10.0.0.1:5")).status == .forbidden)
    let response = await router.response(to: request(path))
    #expect(response.status == .ok)
    let policy = try #require(response.headers["Content-Security-Policy"])
    #expect(policy.hasPrefix("default-src 'none';") && !policy.contains("unsafe"))
    #expect(await router.response(to: request("/metrics", from: "10.0.0.1:5")).status == .ok)
    await close()
  }

  @Test func `On request, the console answers every client, under any prefix`() async throws {
    let runtime = try Backend.custom.makeRuntime()
    var options = Console.Options()
    options.isLocalOnly = false
    let console = Console(runtime: runtime, options: options)
    var router = Router()
    router.group("/internal") { console.addPages(to: &$0) }
    let response = await router.response(to: request("/internal/console", from: "10.0.0.1:5", host: "example.org"))
    #expect(response.status == .ok)
    await runtime.shutdown()
  }

  // MARK: -

  private func status(_ request: Request) async -> UInt16 {
    guard let (router, close) = try? makeRouter() else { return 0 }
    let status = await router.response(to: request).status.code
    await close()
    return UInt16(status)
  }

  private func makeRouter() throws -> (Router, close: () async -> Void) {
    let runtime = try Backend.custom.makeRuntime(workers: 1)
    let console = Console(runtime: runtime)
    var router = Router()
    console.addPages(to: &router)
    console.addMetrics(to: &router)
    return (router, { await runtime.shutdown() })
  }

  private func request(
    _ path: String = "/console", from address: String = "127.0.0.1:5", host: String = "localhost"
  ) -> Request {
    var request = Request(target: path, headers: ["Host": host])
    request.remoteAddress = SocketAddress(address)
    return request
  }
}
