"""Every public name has a property that is asked of it, here or in its own tests."""

from __future__ import annotations

from pathlib import Path

import pytest

import topopert as tp
from topopert.integrations import __all__ as integration_names

TESTS = Path(__file__).parents[1]
MODULES = (tp, tp.comparison, tp.datasets, tp.hamiltonian, tp.models, tp.records, tp.rng)
MODULES += (tp.topology,)

# By file and test: what each asks; "" is a whole file.
ASKED: dict[str, dict[str, str]] = {
    "properties/test_rows.py": {
        "test_rows_move_split_and_join": """
            AnchorPotential OneBodyPotential PolynomialPotential Potential WellPotential
            Hamiltonian excitation_energy kl_divergence perturbed_excitation_energy
        """,
        "test_an_empty_batch_has_no_energies": "SignaturePotential",
        "test_storage_does_not_matter_and_stays_as_it_was": "SumPotential",
        "test_potentials_own_their_buffers": "AnchorSpec WellSpec",
    },
    "properties/test_types.py": {
        "test_the_terms_of_the_objective_are_where_their_arguments_are": (
            "gaussian_reconstruction log_scale reconstruction reparameterize"
        ),
        "test_the_reference_model_is_where_it_is_put": "MLPVAE",
        "test_draws_and_densities_are_of_the_priors_type": "TiltedGaussian TiltedPrior",
    },
    "properties/test_finite.py": {
        "test_diagrams_that_hold_no_numbers_are_refused": (
            "InvalidInputError TopopertError bottleneck_distance wasserstein_distance"
        ),
    },
    "properties/test_expectation.py": {
        "test_every_rule_is_the_average_over_draws": "GaussHermite MonteCarlo QuasiMonteCarlo",
    },
    "properties/test_latent_laws.py": {
        "test_the_curvature_is_of_the_orbit": "GaugeCurvature gauge_curvature",
        "test_the_splitting_matrix_is_linear_and_symmetric": "splitting_matrix",
        "test_levels_of_a_turned_landscape_are_the_same": "Spectrum perturbation_levels spectrum",
        "test_levels_of_a_posterior_know_no_frame_order_or_copies": "posterior_spectrum",
        "test_degeneracy_is_of_runs_without_order_frame_or_unit": "DegeneracyMetrics degeneracy",
        "test_estimates_lie_in_their_intervals": "Estimate",
        "test_faithfulness_is_of_distances": "FaithfulnessMetrics faithfulness",
        "test_the_verdict_is_monotone": "Arm Verdict VerdictRule",
        "test_energy_surgery_knows_neither_order_nor_frame": "EnergySurgery Share energy_surgery",
    },
    "properties/test_diagram_laws.py": {
        "test_diagrams_are_of_distances": "PersistenceDiagram persistence_diagrams",
        "test_landmarks_are_nested_and_their_radius_scales": "maxmin_landmarks",
        "test_the_priors_scale_undoes_any_scale": "prior_scale",
        "test_anchors_have_no_unit": "PersistentTopology TopologicalFeature",
    },
    "properties/test_small_laws.py": {
        "test_an_adiabatic_coupling_falls_to_zero_and_stays": (
            "Adiabatic checked_coupling coupling_at"
        ),
        "test_a_number_is_a_constant_coupling": "Constant Coupling",
        "test_streams_of_one_seed_are_distinct": "RunStreams spawn_generators spawn_runs",
        "test_weights_follow_their_seed_alone": "seeded_init",
        "test_derivatives_of_surfaces_are_of_one_function": """
            Derivatives EnergySurface FunctionSurface MixtureSurface TiltedSurface
            posterior_surface
        """,
        "test_walks_begin_at_their_start_and_leave_it_alone": (
            "PhaseTrajectory Trajectory overdamped_langevin underdamped_langevin"
        ),
        "test_draws_of_a_surface_follow_their_generator": "sample_surface",
        "test_decoding_does_not_depend_on_the_batches": "decode_along",
    },
    "properties/test_copies.py": {
        "test_a_saved_hamiltonian_is_the_same_to_the_bit": (
            "hamiltonian_from_state hamiltonian_state load save"
        ),
        "test_a_saved_topology_is_the_same_to_the_bit": "topology_from_state topology_state",
        "test_a_landscape_is_copied_with_its_minima": "EnergyLandscape",
        "test_records_come_back_from_a_copy_and_a_pickle": "TrainingConfig",
    },
    "properties/test_repeatable.py": {
        "test_another_process_gives_the_same_bits": """
            circle clusters digits figure_eight klein_bottle linked_circles sphere swiss_roll
            torus trefoil ArrheniusSeries Attachment BarcodeComparison Calibration Dataset
            EnergyBarcode Ensemble FrontPoint StepRecord arrhenius attach barcode_comparison
            calibrate compare differentiable_levels differentiable_posterior_levels
            energy_barcode grid_spectrum image_patches kramers_spectrum marginal_spectrum
            ritz_spectrum structured_spectrum surface_spectrum train_ensemble
        """,
    },
    "comparison/test_compare.py": {
        "test_saved_report_loads_as_it_was": "ComparisonReport TableRow",
        "test_progress_counts_every_step": "Progress",
    },
    "comparison/test_default_coupling.py": {
        "test_default_is_the_rules_choice": "DEFAULT_COUPLING",
    },
    "comparison/runs/test_own_training.py": {
        "test_the_reference_training_by_hand_gives_the_reference": "TrainingRun",
    },
    "comparison/runs/test_variation.py": {
        "test_architectures_are_taken_in_turn": "ModelFactory",
    },
    "datasets/test_datasets.py": {
        "test_every_data_set_but_digits_has_known_betti_numbers": "BETTI_NUMBERS",
    },
    "hamiltonian/description/test_description.py": {
        "": "Loop Mode SpectrumDescription",
    },
    "hamiltonian/draws/test_ritz.py": {
        "": "Features WeightedNodes",
    },
    "hamiltonian/landscape/test_basins.py": {
        "": "BasinWeights",
    },
    "hamiltonian/landscape/test_minima_and_saddles.py": {
        "": "MergeTree TransitionNetwork",
    },
    "hamiltonian/landscape/test_path.py": {
        "": "TransitionPath",
    },
    "hamiltonian/priors/test_prior.py": {
        "test_draws_have_the_densitys_moments": "SamplingReport",
    },
    "models/test_ensemble.py": {
        "test_energy_gets_the_context_of_its_batch": "EnergyTerm",
        "test_models_of_another_form_are_refused": "check_model",
    },
    "integrations/test_lightning.py": {
        "test_training_is_that_with_the_term_added_by_hand": "lightning",
    },
    "integrations/test_scvi.py": {
        "test_gradients_are_those_of_the_term_in_the_loss": "scvi",
    },
    "integrations/test_missing.py": {
        "": "MissingDependencyError",
    },
    "test_bad_input.py": {
        "": "InvalidTypeError",
    },
    "backends/test_cubical.py": {
        "": "BackendError",
    },
    "topology/test_outliers.py": {
        "test_many_outliers_are_worth_a_warning": "TopopertWarning",
    },
}


def public_names() -> set[str]:
    modules = {module.__name__.rpartition(".")[2] for module in MODULES} | {"integrations"}
    return {name for module in MODULES for name in module.__all__}.union(
        integration_names
    ) - modules


def test_every_public_name_is_asked_for_a_property() -> None:
    asked = " ".join(names for tests in ASKED.values() for names in tests.values()).split()
    assert public_names() - set(asked) == set()
    assert set(asked) - public_names() == set()
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("path", ASKED)
def test_the_tests_that_ask_exist(path: str) -> None:
    text = (TESTS / path).read_text(encoding="utf-8")
    for name in ASKED[path]:
        assert f"def {name or 'test'}" in text
