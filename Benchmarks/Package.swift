// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // As the libraries are built: without it each call of an asynchronous function leaves the executor and comes back.
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

// A package of its own, so that what the measurements need is nothing that users of the libraries take on.
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
        // The suite `http` runs it.
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
