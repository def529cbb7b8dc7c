// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func gearbox(_ product: String) -> Target.Dependency { .product(name: product, package: "gearbox") }
func nio(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio") }

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
  ],
  dependencies: [
    .package(name: "gearbox", path: ".."),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [
    .target(
      name: "RuntimeNIO",
      dependencies: [gearbox("Runtime"), gearbox("RuntimeKit"), nio("NIOCore"), nio("NIOPosix")],
      swiftSettings: settings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]),
    .executableTarget(
      name: "webapp-nio",
      dependencies: [
        "RuntimeNIO", gearbox("Runtime"), gearbox("RuntimeHTTP"), gearbox("RuntimeSelection"), gearbox("WebAppRoutes"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "RuntimeNIOTests",
      dependencies: [
        "RuntimeNIO", gearbox("Runtime"), gearbox("RuntimeCustom"), gearbox("RuntimeHTTP"), gearbox("RuntimeKit"),
        gearbox("RuntimeTesting"), nio("NIOCore"), nio("NIOPosix"),
      ],
      swiftSettings: settings),
    example(
      "hello-on-nio", ["RuntimeNIO", gearbox("Runtime"), gearbox("RuntimeHTTP"), gearbox("RuntimeSelection")]),
    example(
      "engine-in-nio",
      ["RuntimeNIO", gearbox("Runtime"), gearbox("RuntimeHTTP"), nio("NIOCore"), nio("NIOPosix")]),
    example(
      "hello-inetd", [gearbox("Runtime"), gearbox("RuntimeCustom"), gearbox("RuntimeHTTP"), gearbox("RuntimeKit")]),
  ]
)
