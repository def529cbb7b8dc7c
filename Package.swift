// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(
    name: name, dependencies: dependencies,
    swiftSettings: settings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")])
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A program of the road in docs/, or a library that several of them share. It has no `package` access: what is shown
/// there is what anybody can write.
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
    .library(name: "RuntimeDispatch", targets: ["RuntimeDispatch"]),
    .library(name: "RuntimeCustom", targets: ["RuntimeCustom"]),
    .library(name: "RuntimeHTTP", targets: ["RuntimeHTTP"]),
    .library(name: "RuntimeTesting", targets: ["RuntimeTesting"]),
    .library(name: "RuntimeSimulation", targets: ["RuntimeSimulation"]),
    .library(name: "RuntimeSelection", targets: ["RuntimeSelection"]),
    .executable(name: "WebApp", targets: ["WebApp"]),
  ],
  targets: [
    .target(name: "CRuntime"),
    library("Runtime", ["CRuntime"]),
    library("RuntimeDispatch", ["Runtime", "CRuntime"]),
    library("RuntimeCustom", ["Runtime", "CRuntime"]),
    library("RuntimeHTTP", ["Runtime"]),
    library("RuntimeTesting", ["Runtime"]),
    .target(name: "CSimulation"),
    library("RuntimeSimulation", ["Runtime", "CSimulation"]),
    library("RuntimeSelection", ["Runtime", "RuntimeDispatch", "RuntimeCustom"]),
    .executableTarget(
      name: "WebApp", dependencies: ["Runtime", "RuntimeHTTP", "RuntimeSelection"], swiftSettings: settings),
    .target(
      name: "RuntimeTestSupport",
      dependencies: ["Runtime", "RuntimeHTTP", "RuntimeDispatch", "RuntimeCustom", "RuntimeTesting"],
      path: "Tests/RuntimeTestSupport", swiftSettings: settings),
    tests(
      "RuntimeHTTPTests", ["Runtime", "RuntimeHTTP", "RuntimeSimulation", "RuntimeTesting", "RuntimeTestSupport"]),
    tests("RuntimeTests", ["Runtime", "RuntimeTestSupport"]),
    tests("RuntimeCustomTests", ["Runtime", "RuntimeCustom"]),
    .target(name: "CFibers", path: "Tests/CFibers"),
    tests("ModelTests", ["CFibers", "CRuntime", "Runtime"]),
    tests("BackendTests", ["Runtime", "RuntimeTesting", "RuntimeTestSupport"]),
    .executableTarget(
      name: "MainThreadProgram", dependencies: ["CRuntime", "Runtime", "RuntimeSelection"],
      path: "Tests/MainThreadProgram",
      swiftSettings: settings),
    tests("RuntimeSelectionTests", ["MainThreadProgram", "Runtime", "RuntimeSelection", "RuntimeTestSupport"]),
    tests(
      "WebAppTests",
      ["Runtime", "RuntimeHTTP", "RuntimeSelection", "RuntimeTesting", "RuntimeTestSupport", "WebApp"]),
    tests("RuntimeTestingTests", ["Runtime", "RuntimeCustom", "RuntimeTesting", "RuntimeTestSupport"]),
    tests("RuntimeSimulationTests", ["Runtime", "RuntimeSimulation", "RuntimeTesting", "RuntimeTestSupport"]),
    tests(
      "SimulationTests",
      ["Runtime", "RuntimeHTTP", "RuntimeSimulation", "RuntimeTesting", "RuntimeTestSupport", "WebApp"]),
    tests("RuntimeTestSupportTests", ["Runtime", "RuntimeTestSupport"]),
    tests(
      "ExampleTests",
      [
        "ConnectionHandler", "HelloHandler", "PollRuntime", "Runtime", "RuntimeHTTP", "RuntimeSelection",
        "RuntimeSimulation", "RuntimeTestSupport", "RuntimeTesting", "async-but-serial", "bring-your-own-executor",
        "echo-server", "hello-http1", "hello-http2", "task-per-connection", "task-queue", "ten-clients",
        "threads-and-tasks",
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
    exampleLibrary("PollRuntime", ["Runtime"]),
    example("hello-on-poll", ["HelloSite", "PollRuntime", "Runtime", "RuntimeHTTP"]),
  ]
)
