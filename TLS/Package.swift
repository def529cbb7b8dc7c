// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func gearbox(_ product: String) -> Target.Dependency { .product(name: product, package: "gearbox") }

// A package of its own, so that the libraries without TLS need no OpenSSL.
let package = Package(
  name: "gearbox-tls",
  products: [
    .library(name: "RuntimeTLS", targets: ["RuntimeTLS"]),
    .executable(name: "WebAppTLS", targets: ["WebAppTLS"]),
  ],
  dependencies: [.package(name: "gearbox", path: "..")],
  targets: [
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .target(name: "CTLS", dependencies: ["COpenSSL"]),
    .target(
      name: "RuntimeTLS", dependencies: ["CTLS", gearbox("Runtime"), gearbox("RuntimeKit"), gearbox("RuntimeHTTP")],
      swiftSettings: settings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]),
    .executableTarget(
      name: "WebAppTLS",
      dependencies: [
        "RuntimeTLS", gearbox("Runtime"), gearbox("RuntimeHTTP"), gearbox("RuntimeSelection"),
        gearbox("WebAppRoutes"),
      ],
      swiftSettings: settings),
    .target(name: "CCertificates", dependencies: ["COpenSSL"], path: "Tests/CCertificates"),
    .testTarget(
      name: "RuntimeTLSTests",
      dependencies: [
        "CCertificates", "RuntimeTLS", gearbox("Runtime"), gearbox("RuntimeKit"), gearbox("RuntimeHTTP"),
        gearbox("RuntimeTesting"), gearbox("RuntimeSimulation"), gearbox("RuntimeConcurrency"),
        gearbox("RuntimeDispatch"), gearbox("RuntimeCustom"),
      ],
      swiftSettings: settings),
  ]
)
