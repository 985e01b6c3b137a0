package queueing

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// A Measurement is a throughput that a number of servers was seen to carry.
type Measurement struct{ Servers, Throughput float64 }

// FitUSL finds the law that measurements follow best: the coefficients, σ and
// κ not negative, with the least sum of squared differences of the throughput.
// It needs measurements of three numbers of servers, and they should reach
// past the knee of the curve: κ is read from its far end.
//
// The search starts from the law's linear form, N/X = (1 + σ(N - 1) +
// κN(N - 1))/λ, and goes over σ and κ alone: the best λ for two given ones has
// a closed form.
func FitUSL(measurements []Measurement) (USL, error) {
	if err := checkMeasurements(measurements); err != nil {
		return USL{}, err
	}
	f := newFit(measurements)
	sigma, kappa := f.linear()
	result, err := optimize.Minimize(optimize.Problem{Func: f.loss}, f.point(sigma, kappa), &optimize.Settings{
		Converger: &optimize.FunctionConverge{Absolute: 1e-18, Relative: 1e-15, Iterations: 100},
	}, &optimize.NelderMead{})
	if err != nil {
		return USL{}, fmt.Errorf("queueing: fit the measurements to the scalability law: %w", err)
	}
	sigma, kappa = f.coefficients(result.X)
	if sigma+kappa >= 1 {
		return USL{}, fmt.Errorf("queueing: the measurements show sigma %v and kappa %v: a throughput that more servers do not raise; accepted are measurements that start below the peak",
			sigma, kappa)
	}
	return NewUSL(f.lambda(sigma, kappa)*f.scale, sigma, kappa)
}

// checkMeasurements refuses what no law can be read from.
func checkMeasurements(measurements []Measurement) error {
	const fewest = 3 // as many as the law has coefficients
	sizes := make(map[float64]bool)
	for i, m := range measurements {
		if !(m.Servers >= 1 && m.Servers <= maxServers) {
			return outside(fmt.Sprintf("number of servers of measurement %d", i+1), m.Servers, "1 to 2e9")
		}
		if !(m.Throughput > 0 && m.Throughput <= maxRate) {
			return outside(fmt.Sprintf("throughput of measurement %d", i+1), m.Throughput, "above 0, to 1e18")
		}
		sizes[m.Servers] = true
	}
	if len(sizes) < fewest {
		return outside("count of different numbers of servers that were measured", len(sizes), "3 or more")
	}
	return nil
}

// A fit is a search for the law behind measurements. Its points are the roots
// of σN and κN² at the largest N: of a similar size, and their squares are not
// negative.
type fit struct {
	measured []Measurement // Throughput as a share of scale
	scale    float64       // the greatest throughput
	largest  float64       // number of servers
}

func newFit(measurements []Measurement) *fit {
	f := &fit{measured: make([]Measurement, len(measurements))}
	for _, m := range measurements {
		f.scale = max(f.scale, m.Throughput)
		f.largest = max(f.largest, m.Servers)
	}
	for i, m := range measurements {
		f.measured[i] = Measurement{m.Servers, m.Throughput / f.scale}
	}
	return f
}

// point is where σ and κ lie in the search.
func (f *fit) point(sigma, kappa float64) []float64 {
	return []float64{math.Sqrt(sigma * f.largest), math.Sqrt(kappa) * f.largest}
}

// coefficients is the inverse of point.
func (f *fit) coefficients(point []float64) (sigma, kappa float64) {
	root := point[1] / f.largest
	return point[0] * point[0] / f.largest, root * root
}

// linear solves the law's linear form, in which each measurement counts by the
// square of its throughput, or the smallest would decide.
func (f *fit) linear() (sigma, kappa float64) {
	a, b := mat.NewDense(len(f.measured), 3, nil), mat.NewVecDense(len(f.measured), nil)
	for i, m := range f.measured {
		n, weight := m.Servers, m.Throughput
		a.SetRow(i, []float64{weight, weight * (n - 1) / f.largest, weight * n * (n - 1) / (f.largest * f.largest)})
		b.SetVec(i, n) // weight * N/X
	}
	var x mat.VecDense
	if err := x.SolveVec(a, b); err != nil || x.AtVec(0) <= 0 {
		return 1 / f.largest, 1 / (f.largest * f.largest) // of the right size, at any rate
	}
	sigma = x.AtVec(1) / x.AtVec(0) / f.largest
	kappa = x.AtVec(2) / x.AtVec(0) / (f.largest * f.largest)
	return min(max(sigma, 0), 1), min(max(kappa, 0), 1)
}

// lambda is the best one for σ and κ: of a line through the origin.
func (f *fit) lambda(sigma, kappa float64) float64 {
	var xy, xx float64
	for _, m := range f.measured {
		r := relative(m.Servers, sigma, kappa)
		xy += r * m.Throughput
		xx += r * r
	}
	return xy / xx
}

// loss is the sum of squared differences at a point of the search.
func (f *fit) loss(point []float64) float64 {
	sigma, kappa := f.coefficients(point)
	lambda, sum := f.lambda(sigma, kappa), 0.0
	for _, m := range f.measured {
		difference := lambda*relative(m.Servers, sigma, kappa) - m.Throughput
		sum += difference * difference
	}
	return sum
}
