package org.adjoint.cuda.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.adjoint.cuda.Nvcc;
import org.adjoint.cuda.launch.Source;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every file of kernels compiles for real cards, without warnings and, from sm_80 on, without spilled registers; where
 * nvcc is. With {@code -Dadjoint.test.architectures=all} for sm_75 too.
 */
class CompilationTest {
    private static final List<Integer> ARCHITECTURES = List.of(80, 90, 100);
    private static final int LEAST_WITHOUT_SPILLS = 80;
    private static final Pattern SPILL = Pattern.compile("[1-9][0-9]* bytes spill");

    @TempDir
    private Path folder;

    @Test
    void noFileIsLeftOut() throws IOException, URISyntaxException {
        Path kernels = Path.of(Source.class.getResource("/org/adjoint/cuda/kernels/common.cuh").toURI()).getParent();
        try (Stream<Path> files = Files.list(kernels)) {
            Set<String> expected = files.map(file -> file.getFileName().toString()).filter(it -> it.endsWith(".cu"))
                .collect(Collectors.toCollection(TreeSet::new));
            assertEquals(expected, KernelSources.all().stream().map(Source::name)
                .collect(Collectors.toCollection(TreeSet::new)));
        }
    }

    @Test
    void everyFileCompilesWithoutWarningsAndSpills() throws Exception {
        Nvcc.require();
        List<Source> sources = KernelSources.all();
        for (Source source : sources) {
            Files.writeString(folder.resolve(source.name()), source.text());
            for (String header : source.headers()) {
                Files.writeString(folder.resolve(header), Source.text(header));
            }
        }
        List<Callable<List<String>>> tasks = new ArrayList<>();
        for (int i = 0; i < sources.size(); i++) {
            Source source = sources.get(i);
            for (int architecture : architectures()) {
                if (KernelSources.isFor(architecture, source)) {
                    String output = "program" + i + "." + architecture;
                    tasks.add(() -> complaints(source, architecture, output));
                }
            }
        }
        List<String> complaints = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
            for (Future<List<String>> done : threads.invokeAll(tasks)) {
                complaints.addAll(done.get());
            }
        }
        assertEquals("", String.join(System.lineSeparator(), complaints));
        System.out.printf("nvcc: %d programs of kernels compiled without warnings and spills%n", tasks.size());
    }

    private static List<Integer> architectures() {
        List<Integer> architectures = new ArrayList<>(ARCHITECTURES);
        if ("all".equals(System.getProperty("adjoint.test.architectures"))) {
            architectures.add(75);
        }
        return architectures;
    }

    private List<String> complaints(Source source, int architecture, String file)
        throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("nvcc", "--fmad=false", "-std=c++17", "-cubin",
            "-arch=sm_" + architecture, "-Xptxas", "-v", "-o", file));
        command.addAll(source.options());
        command.add(source.name());
        Process process = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String what = source.name() + " " + source.definitions() + " for sm_" + architecture + ": ";
        if (process.waitFor() != 0) {
            return List.of(what + output);
        }
        assertTrue(output.contains("Compiling entry function"), output);
        return output.lines().filter(line -> line.contains("warning")
            || architecture >= LEAST_WITHOUT_SPILLS && SPILL.matcher(line).find())
            .map(line -> what + line.strip()).toList();
    }
}
