package org.adjoint.bench.suite;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * How suites are measured this time.
 *
 * @param device where ours computes
 * @param threads of every contender on the CPU
 */
record SuiteRun(Harness harness, Ceiling ceiling, Set<Peer> peers, String device, int threads, boolean quick) {
    boolean isOnCpu() {
        return device.equals("cpu");
    }

    /** Ours and the peers that do such work. */
    List<String> contenders(Suite suite) {
        List<String> contenders = new ArrayList<>(List.of(Contenders.ADJOINT));
        peers.stream().filter(suite::includes).forEach(peer -> contenders.add(peer.toString()));
        return contenders;
    }
}
