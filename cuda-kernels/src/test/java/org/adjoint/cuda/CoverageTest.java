package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.adjoint.cuda.emulator.Emulator;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** After all other tests: no kernel and no device function of the sources was left out by all of them. */
@Order(Integer.MAX_VALUE)
class CoverageTest {
    @Test
    void everyKernelAndDeviceFunctionHasRun() throws IOException, URISyntaxException {
        Emulator emulator = Emulator.require();
        Set<String> sources = sources();
        Set<String> functions = of(sources, emulator.functions());
        Set<String> left = new TreeSet<>(functions);
        left.removeAll(emulator.entered());
        System.out.printf("CUDA on the emulator: %d of %d kernels and device functions of %d sources have run%n",
            functions.size() - left.size(), functions.size(), sources.size());
        Set<String> seen = functions.stream().map(CoverageTest::file).collect(Collectors.toSet());
        assertEquals(List.of(), sources.stream().filter(file -> file.endsWith(".cu") && !seen.contains(file)).toList(),
            "sources that no test compiled");
        if (!left.isEmpty()) {
            fail("no test has run " + String.join(", ", left));
        }
    }

    private static Set<String> of(Set<String> sources, Set<String> functions) {
        return functions.stream().filter(function -> sources.contains(file(function)))
            .collect(Collectors.toCollection(TreeSet::new));
    }

    private static String file(String function) {
        return function.substring(0, function.indexOf(':'));
    }

    private static Set<String> sources() throws IOException, URISyntaxException {
        Path folder = Path.of(CudaBackend.class.getResource("/org/adjoint/cuda/kernels/common.cuh").toURI())
            .getParent();
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new));
        }
    }
}
