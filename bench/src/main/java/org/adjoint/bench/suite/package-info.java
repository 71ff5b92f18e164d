/**
 * The benchmarks: JMH measures, one contender and one case in a JVM of its own; ours beside the peers' in the same run.
 */
package org.adjoint.bench.suite;
