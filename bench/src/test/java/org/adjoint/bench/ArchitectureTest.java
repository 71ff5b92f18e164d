package org.adjoint.bench;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who may import whom. Only main code is held to it. */
class ArchitectureTest {

    private static final String OURS = "org.adjoint..";
    private static final String CPU = "org.adjoint.cpu..";
    private static final String CUDA = "org.adjoint.cuda..";
    private static final String BENCH = "org.adjoint.bench..";

    /** What a user of the library sees: the handles, and the types in their signatures (shapes, dtypes, devices). */
    private static final String[] PUBLIC_FACE = {"org.adjoint", "org.adjoint.graph..", "org.adjoint.backend.."};

    private static JavaClasses main;

    /** A package of core and the packages of ours that it may import; packages of one row may import each other. */
    private record Row(String[] packages, String[] mayImport) {
        static Row of(String... packages) {
            return new Row(packages, new String[0]);
        }

        Row mayImport(String... others) {
            return new Row(packages, others);
        }

        @Override
        public String toString() {
            return String.join(", ", packages);
        }
    }

    private static Stream<Row> rows() {
        return Stream.of(
                Row.of("org.adjoint.graph.."),
                Row.of("org.adjoint.autodiff..").mayImport("org.adjoint.graph.."),
                Row.of("org.adjoint.plan..").mayImport("org.adjoint.graph.."),
                Row.of("org.adjoint.backend..").mayImport("org.adjoint.graph..", "org.adjoint.plan.."),
                Row.of("org.adjoint").mayImport(
                        "org.adjoint.graph..", "org.adjoint.autodiff..", "org.adjoint.plan..", "org.adjoint.backend.."),
                Row.of("org.adjoint.nn..", "org.adjoint.optim..", "org.adjoint.model..").mayImport(PUBLIC_FACE),
                Row.of("org.adjoint.reference..").mayImport(
                        "org.adjoint.graph..", "org.adjoint.plan..", "org.adjoint.backend.."),
                Row.of("org.adjoint.gradcheck..", "org.adjoint.contract..").mayImport(PUBLIC_FACE),
                Row.of("org.adjoint.io..", "org.adjoint.data..").mayImport(PUBLIC_FACE));
    }

    @BeforeAll
    static void readClasses() {
        main = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("org.adjoint");
        assertFalse(main.isEmpty());
    }

    @ParameterizedTest
    @MethodSource("rows")
    void aPackageImportsOnlyWhatIsBelowIt(Row row) {
        String[] allowed = Stream.of(row.packages(), row.mayImport()).flatMap(Arrays::stream).toArray(String[]::new);
        check(noClasses().that().resideInAnyPackage(row.packages())
                .should().dependOnClassesThat(resideInAnyPackage(OURS).and(resideOutsideOfPackages(allowed))));
    }

    /** Every package of core has its row: a new one is not exempt by being new. */
    @Test
    void everyPackageOfCoreHasARow() {
        String[] known = Stream.concat(Stream.of(CPU, CUDA, BENCH), rows().map(Row::packages).flatMap(Arrays::stream))
                .toArray(String[]::new);
        check(classes().that().resideInAPackage(OURS).should().resideInAnyPackage(known));
    }

    @Test
    void coreNeedsNoThirdPartyButAJsonReader() {
        check(noClasses().that().resideInAPackage(OURS).and().resideOutsideOfPackages(CPU, CUDA, BENCH)
                .should().dependOnClassesThat(
                        resideOutsideOfPackages(OURS, "java..", "com.fasterxml.jackson.core..")));
    }

    @Test
    void onlyTheCpuBackendUsesTheVectorApi() {
        check(noClasses().that().resideOutsideOfPackage(CPU)
                .should().dependOnClassesThat().resideInAPackage("jdk.incubator.."));
    }

    @Test
    void onlyTheCudaDriverUsesJcuda() {
        check(noClasses().that().resideOutsideOfPackage("org.adjoint.cuda.driver..")
                .should().dependOnClassesThat().resideInAPackage("jcuda.."));
    }

    @Test
    void theBackendsDoNotKnowEachOther() {
        check(noClasses().that().resideInAPackage(CPU).should().dependOnClassesThat().resideInAPackage(CUDA));
        check(noClasses().that().resideInAPackage(CUDA).should().dependOnClassesThat().resideInAPackage(CPU));
    }

    @Test
    void nothingImportsBench() {
        check(noClasses().that().resideOutsideOfPackage(BENCH)
                .should().dependOnClassesThat().resideInAPackage(BENCH));
    }

    private static void check(ArchRule rule) {
        rule.allowEmptyShould(true).check(main);
    }
}
