// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func gearbox(_ product: String) -> Target.Dependency { .product(name: product, package: "gearbox") }
func nio(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio") }
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let instrumentation = Target.Dependency.product(name: "Instrumentation", package: "swift-distributed-tracing")
let inMemoryTracing = Target.Dependency.product(name: "InMemoryTracing", package: "swift-distributed-tracing")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(
    name: name, dependencies: dependencies,
    swiftSettings: settings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")])
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A program of a guide in docs/.
func example(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, path: "Examples/\(name)", swiftSettings: settings)
}

// A package of its own, so that the libraries need none of what they are fitted to here.
let package = Package(
  name: "gearbox-integrations",
  products: [
    .library(name: "RuntimeNIO", targets: ["RuntimeNIO"]),
    .executable(name: "webapp-nio", targets: ["webapp-nio"]),
    .library(name: "RuntimeHTTPTypes", targets: ["RuntimeHTTPTypes"]),
    .library(name: "RuntimeHummingbird", targets: ["RuntimeHummingbird"]),
    .library(name: "RuntimeLogging", targets: ["RuntimeLogging"]),
    .library(name: "RuntimeSwiftMetrics", targets: ["RuntimeSwiftMetrics"]),
    .library(name: "RuntimeTracing", targets: ["RuntimeTracing"]),
    .library(name: "RuntimeServiceLifecycle", targets: ["RuntimeServiceLifecycle"]),
    .library(name: "RuntimeConfiguration", targets: ["RuntimeConfiguration"]),
  ],
  dependencies: [
    .package(name: "gearbox", path: ".."),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
    .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
    .package(
      url: "https://github.com/apple/swift-configuration.git", from: "1.4.0",
      traits: [.defaults, "CommandLineArguments"]),
    .package(url: "https://github.com/swhitty/FlyingFox.git", from: "0.27.1"),
  ],
  targets: [
    // SwiftNIO
    library("RuntimeNIO", [gearbox("Runtime"), gearbox("RuntimeKit"), nio("NIOCore"), nio("NIOPosix")]),
    .executableTarget(
      name: "webapp-nio",
      dependencies: [
        "RuntimeNIO", gearbox("Runtime"), gearbox("RuntimeHTTP"), gearbox("RuntimeSelection"), gearbox("WebAppRoutes"),
      ],
      swiftSettings: settings),
    tests(
      "RuntimeNIOTests",
      [
        "RuntimeNIO", gearbox("Runtime"), gearbox("RuntimeCustom"), gearbox("RuntimeHTTP"), gearbox("RuntimeKit"),
        gearbox("RuntimeTesting"), nio("NIOCore"), nio("NIOPosix"),
      ]),
    example(
      "hello-on-nio", ["RuntimeNIO", gearbox("Runtime"), gearbox("RuntimeHTTP"), gearbox("RuntimeSelection")]),
    example(
      "engine-in-nio",
      ["RuntimeNIO", gearbox("Runtime"), gearbox("RuntimeHTTP"), nio("NIOCore"), nio("NIOPosix")]),
    example(
      "hello-inetd", [gearbox("Runtime"), gearbox("RuntimeCustom"), gearbox("RuntimeHTTP"), gearbox("RuntimeKit")]),

    // swift-http-types
    library("RuntimeHTTPTypes", [gearbox("RuntimeHTTP"), httpTypes]),
    tests(
      "RuntimeHTTPTypesTests",
      ["IntegrationTestSupport", "RuntimeHTTPTypes", gearbox("RuntimeHTTP"), gearbox("RuntimeSelection"), httpTypes]),
    example(
      "http-types-hello",
      ["RuntimeHTTPTypes", gearbox("Runtime"), gearbox("RuntimeHTTP"), gearbox("RuntimeSelection"), httpTypes]),

    // Hummingbird
    library(
      "RuntimeHummingbird",
      [
        "RuntimeHTTPTypes", "RuntimeLogging", "RuntimeServiceLifecycle", gearbox("Runtime"), gearbox("RuntimeHTTP"),
        httpTypes, hummingbird, hummingbirdCore, lifecycle, logging, nio("NIOCore"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ]),
    tests(
      "RuntimeHummingbirdTests",
      [
        "IntegrationTestSupport", "RuntimeHummingbird", gearbox("Runtime"), gearbox("RuntimeHTTP"),
        gearbox("RuntimeSelection"), httpTypes, hummingbird, hummingbirdCore, lifecycle, logging, nio("NIOCore"),
      ]),
    example(
      "hummingbird-notes",
      [
        "RuntimeHummingbird", gearbox("Runtime"), gearbox("RuntimeSelection"), hummingbird, hummingbirdCore,
        nio("NIOCore"),
      ]),

    // How a service is operated
    library("RuntimeLogging", [gearbox("Runtime"), gearbox("RuntimeHTTP"), logging]),
    library("RuntimeTracing", [gearbox("Runtime"), gearbox("RuntimeHTTP"), instrumentation, logging, tracing]),
    library("RuntimeSwiftMetrics", [gearbox("Runtime"), gearbox("RuntimeHTTP"), coreMetrics, lifecycle]),
    library("RuntimeServiceLifecycle", [gearbox("Runtime"), gearbox("RuntimeHTTP"), lifecycle]),
    library(
      "RuntimeConfiguration", [gearbox("Runtime"), gearbox("RuntimeHTTP"), gearbox("RuntimeSelection"), configuration]),
    tests(
      "OperationTests",
      [
        "IntegrationTestSupport", "RuntimeConfiguration", "RuntimeLogging", "RuntimeServiceLifecycle",
        "RuntimeSwiftMetrics", "RuntimeTracing", gearbox("Runtime"), gearbox("RuntimeHTTP"),
        gearbox("RuntimeSelection"), configuration, coreMetrics, inMemoryTracing, lifecycle, logging, tracing,
        .product(name: "InMemoryLogging", package: "swift-log"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
      ]),
    example(
      "inventory",
      [
        "RuntimeConfiguration", "RuntimeLogging", "RuntimeServiceLifecycle", "RuntimeSwiftMetrics", "RuntimeTracing",
        gearbox("Runtime"), gearbox("RuntimeHTTP"), gearbox("RuntimeSelection"), configuration, coreMetrics,
        inMemoryTracing, lifecycle, logging, tracing,
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ]),

    // FlyingFox
    example(
      "flying-fox-hello",
      [
        gearbox("Runtime"), gearbox("RuntimeHTTP"), gearbox("RuntimeSelection"),
        .product(name: "FlyingFox", package: "FlyingFox"), .product(name: "FlyingSocks", package: "FlyingFox"),
      ]),

    example(
      "engine-on-flying-socks",
      [
        gearbox("RuntimeCustom"), gearbox("RuntimeHTTP"), gearbox("RuntimeKit"),
        .product(name: "FlyingSocks", package: "FlyingFox"),
      ]),

    .target(
      name: "IntegrationTestSupport",
      dependencies: [gearbox("Runtime"), gearbox("RuntimeHTTP"), gearbox("RuntimeSelection")],
      path: "Tests/IntegrationTestSupport", swiftSettings: settings),
  ]
)
