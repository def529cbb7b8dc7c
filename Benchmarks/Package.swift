// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // As for the libraries: without it each call of an asynchronous function leaves the executor and returns to it.
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

// A separate package, so that users of the libraries do not get the dependencies of the measurements.
let package = Package(
  name: "Benchmarks",
  dependencies: [.package(name: "gearbox", path: "..")],
  targets: [
    .executableTarget(
      name: "Benchmarks",
      dependencies: [
        .product(name: "Runtime", package: "gearbox"),
        .product(name: "RuntimeConcurrency", package: "gearbox"),
        .product(name: "RuntimeCustom", package: "gearbox"),
        .product(name: "RuntimeDispatch", package: "gearbox"),
        .product(name: "RuntimeKit", package: "gearbox"),
        // For the suite `http`.
        .product(name: "WebApp", package: "gearbox"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "SimulationBenchmark",
      dependencies: [
        .product(name: "Runtime", package: "gearbox"),
        .product(name: "RuntimeHTTP", package: "gearbox"),
        .product(name: "RuntimeSimulation", package: "gearbox"),
      ],
      swiftSettings: settings),
  ]
)
