// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func library(
  _ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil, packageAccess: Bool = true
) -> Target {
  .target(
    name: name, dependencies: dependencies, resources: resources, packageAccess: packageAccess,
    swiftSettings: settings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")])
}

/// A backend. It has no `package` access: it is built of what any other backend can be built of.
func backend(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  library(name, dependencies, packageAccess: false)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// Tests that compile files of the libraries, and so as the libraries are compiled.
func models(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies,
    swiftSettings: settings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")])
}

/// A program of the road in docs/, or a library that several of them share. It has no `package` access, so that
/// readers can write the same in a package of their own.
func example(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies, path: "Examples/\(name)", packageAccess: false, swiftSettings: settings)
}

func exampleLibrary(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Examples/\(name)", packageAccess: false, swiftSettings: settings)
}

let package = Package(
  name: "gearbox",
  products: [
    .library(name: "Runtime", targets: ["Runtime"]),
    .library(name: "RuntimeKit", targets: ["RuntimeKit", "RuntimePrimitives"]),
    .library(name: "RuntimeConcurrency", targets: ["RuntimeConcurrency"]),
    .library(name: "RuntimeDispatch", targets: ["RuntimeDispatch"]),
    .library(name: "RuntimeCustom", targets: ["RuntimeCustom"]),
    .library(name: "RuntimeHTTP", targets: ["RuntimeHTTP"]),
    .library(name: "RuntimeConsole", targets: ["RuntimeConsole"]),
    .library(name: "RuntimeTesting", targets: ["RuntimeTesting"]),
    .library(name: "RuntimeSimulation", targets: ["RuntimeSimulation"]),
    .library(name: "RuntimeSelection", targets: ["RuntimeSelection"]),
    .library(name: "WebAppRoutes", targets: ["WebApp"]),
    .executable(name: "WebApp", targets: ["WebAppProgram"]),
  ],
  targets: [
    .target(name: "CRuntime"),
    library("RuntimePrimitives", []),
    library("Runtime", ["CRuntime", "RuntimePrimitives"]),
    library("RuntimeKit", ["CRuntime", "Runtime", "RuntimePrimitives"]),
    backend("RuntimeConcurrency", ["Runtime", "RuntimeKit"]),
    backend("RuntimeDispatch", ["Runtime", "RuntimeKit"]),
    backend("RuntimeCustom", ["Runtime", "RuntimeKit", "RuntimePrimitives"]),
    library("RuntimeHTTP", ["Runtime", "RuntimeKit", "RuntimePrimitives"]),
    library("RuntimeConsole", ["Runtime", "RuntimeHTTP", "RuntimeKit", "RuntimePrimitives"]),
    library("RuntimeTesting", ["Runtime", "RuntimePrimitives"]),
    .target(name: "CSimulation"),
    library(
      "RuntimeSimulation", ["CSimulation", "Runtime", "RuntimePrimitives"],
      resources: [.embedInCode("Picture/picture.html")]),
    library("RuntimeSelection", ["Runtime", "RuntimeConcurrency", "RuntimeCustom", "RuntimeDispatch"]),
    .target(
      name: "WebApp", dependencies: ["Runtime", "RuntimeConsole", "RuntimeHTTP", "RuntimeSelection"],
      packageAccess: false, swiftSettings: settings),
    .executableTarget(
      name: "WebAppProgram",
      dependencies: ["Runtime", "RuntimeConsole", "RuntimeHTTP", "RuntimeSelection", "WebApp"],
      packageAccess: false, swiftSettings: settings),
    .target(
      name: "RuntimeTestSupport",
      dependencies: [
        "Runtime", "RuntimeConcurrency", "RuntimeCustom", "RuntimeDispatch", "RuntimeHTTP", "RuntimePrimitives",
        "RuntimeTesting",
      ],
      path: "Tests/RuntimeTestSupport", swiftSettings: settings),
    tests(
      "RuntimeHTTPTests",
      [
        "Runtime", "RuntimeConcurrency", "RuntimeHTTP", "RuntimePrimitives", "RuntimeSimulation", "RuntimeTesting",
        "RuntimeTestSupport",
      ]),
    tests(
      "RuntimeConsoleTests",
      [
        "Runtime", "RuntimeConsole", "RuntimeHTTP", "RuntimeKit", "RuntimePrimitives", "RuntimeTestSupport",
        "RuntimeTesting",
      ]),
    tests("RuntimeTests", ["Runtime", "RuntimePrimitives", "RuntimeTestSupport"]),
    tests("RuntimeKitTests", ["Runtime", "RuntimeKit", "RuntimeTestSupport"]),
    tests("RuntimeCustomTests", ["Runtime", "RuntimeCustom"]),
    .target(name: "CFibers", path: "Tests/CFibers"),
    models("ModelTests", ["CFibers", "CRuntime", "Runtime", "RuntimeKit", "RuntimePrimitives"]),
    tests("BackendTests", ["Runtime", "RuntimeKit", "RuntimePrimitives", "RuntimeTesting", "RuntimeTestSupport"]),
    .executableTarget(
      name: "MainThreadProgram", dependencies: ["CRuntime", "Runtime", "RuntimeSelection"],
      path: "Tests/MainThreadProgram",
      swiftSettings: settings),
    tests(
      "RuntimeSelectionTests",
      ["MainThreadProgram", "Runtime", "RuntimeCustom", "RuntimeSelection", "RuntimeTestSupport"]),
    tests(
      "WebAppTests",
      [
        "Runtime", "RuntimeHTTP", "RuntimeSelection", "RuntimeTesting", "RuntimeTestSupport", "WebApp", "WebAppProgram",
      ]),
    tests("RuntimeTestingTests", ["Runtime", "RuntimeCustom", "RuntimeTesting", "RuntimeTestSupport"]),
    tests(
      "RuntimeSimulationTests",
      ["Runtime", "RuntimeCustom", "RuntimeSimulation", "RuntimeTesting", "RuntimeTestSupport"]),
    tests(
      "SimulationTests",
      ["Runtime", "RuntimeHTTP", "RuntimeSimulation", "RuntimeTesting", "RuntimeTestSupport", "WebApp"]),
    tests("RuntimeTestSupportTests", ["Runtime", "RuntimeTestSupport"]),
    tests(
      "ExampleTests",
      [
        "ConnectionHandler", "EventLoopRuntime", "HelloHandler", "PollRuntime", "Runtime", "RuntimeCustom",
        "RuntimeHTTP", "RuntimeSelection", "RuntimeSimulation", "RuntimeTestSupport", "RuntimeTesting",
        "async-but-serial", "bring-your-own-executor", "echo-server", "hello-http1", "hello-http2", "notes-service",
        "task-per-connection", "task-queue", "ten-clients", "threads-and-tasks", "tunnel", "websocket-echo",
      ]),
    exampleLibrary("HelloSite"),
    exampleLibrary("ConnectionHandler", ["HelloSite", "Runtime"]),
    example("blocking-server", ["HelloSite"]),
    example("async-but-serial", ["ConnectionHandler", "HelloSite", "Runtime", "RuntimeSelection"]),
    example("task-per-connection", ["ConnectionHandler", "HelloSite", "Runtime", "RuntimeSelection"]),
    example("ten-clients", ["Runtime", "RuntimeSelection"]),
    example("mock-stream", ["ConnectionHandler", "Runtime", "RuntimeTesting"]),
    example("threads-and-tasks", ["Runtime", "RuntimeSelection"]),
    example("task-queue", ["Runtime"]),
    example("work-stealing", ["Runtime", "RuntimeCustom"]),
    example("echo-server", ["Runtime", "RuntimeSelection"]),
    exampleLibrary("HelloHandler", ["RuntimeHTTP"]),
    example("hello-http1", ["HelloHandler", "HelloSite", "Runtime", "RuntimeHTTP", "RuntimeSelection"]),
    example("hello-http2", ["HelloHandler", "HelloSite", "Runtime", "RuntimeHTTP", "RuntimeSelection"]),
    example("bring-your-own-executor", ["Runtime", "RuntimeHTTP"]),
    exampleLibrary("EventLoopRuntime", ["Runtime", "RuntimeKit", "RuntimePrimitives"]),
    exampleLibrary("PollRuntime", ["Runtime"]),
    example("hello-on-poll", ["HelloSite", "PollRuntime", "Runtime", "RuntimeHTTP"]),
    example("notes-service", ["Runtime", "RuntimeHTTP", "RuntimeSelection"]),
    example("watched-service", ["Runtime", "RuntimeConsole", "RuntimeHTTP", "RuntimeSelection"]),
    example("tunnel", ["HelloSite", "Runtime", "RuntimeHTTP", "RuntimeSelection"]),
    example("websocket-echo", ["HelloSite", "Runtime", "RuntimeHTTP", "RuntimeSelection"]),
  ]
)

// CI tests some targets a second time, built in another way. `GEARBOX_TESTS` names the test targets that are wanted, and
// spares it the building of the others and of the examples.
if let wanted = Context.environment["GEARBOX_TESTS"]?.split(separator: " ") {
  package.targets.removeAll { target in
    target.type == .test && !wanted.contains { $0 == target.name } || target.path?.hasPrefix("Examples/") == true
  }
}
