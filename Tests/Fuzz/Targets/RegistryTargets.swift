import CreditProfile
import Foundation
import Ingestion
import Model
import Rewards
import Scoring

/// Files of the deployment's registries: read whole, or refused with a reason.
extension FuzzTarget {
    static let methods = FuzzTarget(
        "methods",
        seeds: { [methodsDocument, try SeedFiles.bytes("deploy/methodologies/methods.json")] },
        run: { bytes in
            let registry: MethodologyRegistry
            do throws(MethodologyRefused) {
                registry = try MethodologyRegistry(
                    methods: RegistryDocument(name: "methods.json", bytes: bytes),
                    behaviours: RegistryDocument(
                        name: "behaviours.json", bytes: Array(Furnishing.catalogueText.utf8)))
            } catch {
                require(!error.problems.isEmpty, "a refusal without a reason")
                for problem in error.problems { _ = problem.description }
                return
            }
            for version in registry.versions {
                _ = try version.rule()
                _ = (version.capText, version.pointsRuleText)
                require(registry.version(version.id) == version, "a version is found by its name")
            }
        })

    static let behaviours = FuzzTarget(
        "behaviours", bytesMax: 2_048,
        seeds: {
            [
                Array(Furnishing.catalogueText.utf8),
                try SeedFiles.bytes("deploy/methodologies/behaviours.json"),
            ]
        },
        run: { bytes in
            // Ingestion and scoring each read what they need of the same file.
            _ = try? MethodologyRegistry(
                methods: RegistryDocument(name: "methods.json", bytes: methodsDocument),
                behaviours: RegistryDocument(name: "behaviours.json", bytes: bytes))
            guard let catalogue = try? BehaviourCatalogue(json: bytes) else { return }
            for (place, behaviour) in catalogue.behaviours.enumerated() {
                require(catalogue.index(of: behaviour.code) == place, "a code is found again")
            }
        })

    static let catalogue = FuzzTarget(
        "catalogue", bytesMax: 2_048,
        seeds: { [try SeedFiles.bytes("deploy/catalogue/beijing.json")] },
        run: { bytes in
            guard let text = String(validating: bytes, as: UTF8.self),
                let catalogue = try? Catalogue(document: text)
            else { return }
            require(
                try Catalogue(document: text) == catalogue, "a catalogue is the same read again")
            for item in catalogue.items {
                require(item.points.rawValue > 0, "a reward that costs nothing")
            }
        })

    static let profileTable = FuzzTarget(
        "profile-table", bytesMax: 3_072,
        seeds: { [try SeedFiles.bytes("deploy/profile/v1.json")] },
        run: { bytes in
            guard let table = try? ProfileTable(document: bytes) else { return }
            let profile = table.profile(of: Measures())
            require((0...1_000).contains(profile.score), "a score beyond its bounds")
        })

    /// A small registry that has a method of every family.
    static let methodsDocument: [UInt8] = {
        func entry(
            _ method: String, _ behaviour: String, _ unit: String, _ formula: String,
            _ points: String
        ) -> String {
            """
            {"method":"\(method)","version":"v1","city":"beijing","status":"active",\
            "behaviour":"\(behaviour)","unit":"\(unit)","name_zh":"骑","name_en":"Ride",\
            "formula":\(formula),"cap":{"quantity":"30","per":"month","basis":"ours"},\
            "valid_from":"2022-08-10","valid_to":null,"points":\(points),\
            "plausible_milligrams_per_unit":["0","1000000000"],"evidence":"order",\
            "source":"here","confidence":"high","examples":[{"quantity":"0","milligrams":0}]}
            """
        }
        let entries = [
            entry(
                "ride.km", "cycling", "km",
                #"{"family":"linear","milligrams_per_unit":"48700.5"}"#,
                #"{"rule":"per_whole_gram","points_per_gram":1}"#),
            entry(
                "ride.trip", "cycling", "trip",
                """
                {"family":"nev_charge","parameters":{"fuel_kg_co2_per_litre":"2.3",\
                "fuel_litres_per_100km":"7.5","grid_kg_co2_per_kwh":"0.558","kwh_per_100km":"15"}}
                """,
                #"{"rule":"per_unit","points_per_unit":"1.5","points_max_per_period":2000}"#),
            entry(
                "plate.meal", "clean_plate", "meal",
                """
                {"family":"appliance_grade","parameters":{"load_kwh_per_year":"900",\
                "apf_baseline":"3.5","apf_product":"5","grid_kg_co2_per_kwh":"0.5",\
                "credit_years":"8"}}
                """, #"{"rule":"per_whole_gram","points_per_gram":2}"#),
        ]
        return Array(
            """
            {"schema":"greenseason.methods.v1","city_points_rule":{"points_per_whole_gram":1},\
            "methods":[\(entries.joined(separator: ","))]}
            """.utf8)
    }()
}
