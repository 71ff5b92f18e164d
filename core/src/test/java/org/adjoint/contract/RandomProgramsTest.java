package org.adjoint.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.spi.ToolProvider;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.contract.ProgramFamilies.Family;
import org.adjoint.contract.RandomPrograms.Failure;
import org.adjoint.contract.RandomPrograms.Report;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RandomProgramsTest {
    private final Device device = Device.open("reference");

    @TempDir
    private Path folder;

    @AfterEach
    void close() {
        device.close();
    }

    /** In the programs' own dtypes against {@code F64}: what rounding does stays within what is expected of it. */
    @Test
    void theReferenceAgreesWithItself() {
        Report report = RandomPrograms.on(device).run(150, done -> { });
        assertEquals(List.of(), report.failures());
        assertEquals(150, report.programs());
        assertTrue(report.operations() > 150 * 10, report.operations() + " operations");
        assertTrue(report.gradients() > 140, report.gradients() + " gradients");
    }

    @Test
    void aSeedIsAProgram() {
        for (int seed = 0; seed < 5; seed++) {
            assertEquals(ProgramGenerator.generate(ProgramSettings.ANY, seed, device).code("cpu"),
                ProgramGenerator.generate(ProgramSettings.ANY, seed, device).code("cpu"));
        }
    }

    /** As if a kernel of the device were wrong. */
    @Test
    void aKernelThatErrsIsFoundAndMadeSmall() {
        Failure failure = planted("tanh", x -> x.device() == device ? x.tanh().mul(1.001) : x.tanh());
        assertTrue(failure.code().contains(".tanh()"), failure::code);
        assertTrue(failure.operations() <= 2, failure::code);
        assertTrue(failure.message().contains("an error of"), failure::message);
    }

    /** Wrong on the device and on the reference alike. */
    @Test
    void aGradientRuleThatErrsIsFoundAndMadeSmall() {
        Failure failure = planted("square", x -> x.mul(x.stopGradient()));
        assertTrue(failure.code().contains(".square()"), failure::code);
        assertTrue(failure.operations() <= 2, failure::code);
        assertTrue(failure.message().contains("differences say"), failure::message);
    }

    @Test
    void anOperationThatThrowsIsFound() {
        Failure failure = planted("floor", x -> {
            if (x.device() == device) {
                throw new IllegalStateException("no floor");
            }
            return x.floor();
        });
        assertEquals(1, failure.operations());
        assertEquals("threw java.lang.IllegalStateException: no floor", failure.message());
    }

    /** The first of 1,000 programs that fails where one operation of many is wrong. */
    private Failure planted(String name, UnaryOperator<Tensor> wrong) {
        List<Family> group = List.of(ProgramFamilies.function(name, wrong), ProgramFamilies.function("sin", Tensor::sin),
            ProgramFamilies.function("exp", Tensor::exp), ProgramFamilies.function("atan", Tensor::atan));
        Report report = RandomPrograms.on(device).settings(ProgramSettings.ANY.with(group)).mostFailures(1)
            .run(1_000, done -> { });
        return report.failures().getFirst();
    }

    @Test
    void whatIsPrintedIsAProgram() throws Exception {
        for (int seed = 0; seed < 3; seed++) {
            RandomProgram program = ProgramGenerator.generate(ProgramSettings.ANY, seed, device);
            Path source = Files.writeString(folder.resolve("Program.java"), program.code("reference"));
            String classes = String.join(File.pathSeparator, System.getProperty("java.class.path"),
                System.getProperty("jdk.module.path", ""));
            StringWriter problems = new StringWriter();
            PrintWriter messages = new PrintWriter(problems);
            int status = ToolProvider.findFirst("javac").orElseThrow().run(messages, messages, "-cp", classes, "-d",
                folder.toString(), source.toString());
            assertEquals(0, status, problems + program.code("reference"));
            String printed = run();
            int things = program.results().size() + (program.isDifferentiated() ? program.sources().size() : 0);
            assertTrue(printed.lines().count() >= things, printed);
        }
    }

    private String run() throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream out = System.out;
        try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, getClass().getClassLoader())) {
            System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
            Method main = loader.loadClass("Program").getDeclaredMethod("main", String[].class);
            main.setAccessible(true);
            main.invoke(null, (Object) new String[0]);
        } finally {
            System.setOut(out);
        }
        return printed.toString(StandardCharsets.UTF_8);
    }
}
