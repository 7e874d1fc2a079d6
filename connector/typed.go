package connector

import (
	"context"
	"iter"
	"net/http"
	"reflect"
	"sync"
	"time"
)

// NewAction makes an Action of a function. In is filled from the parameters of the module with its input laid over
// them, without a way over JSON, by the rules of [Convert]; what cannot be converted or is missing is a
// BundleValidationError, and do is not called. Out becomes the bundle as [Normalize] makes it.
//
// In and Out are structs, described by the tags of [FieldsOf], or maps with string keys, or Bundle. Info.Params,
// Info.Input and Info.Output that are nil are filled from them: fields of In with the tag `param:"true"` go to Params,
// the others to Input. A field that blueprints hold among the parameters needs that tag: the engine has converted both
// parts before, with the defaults of each. Types that cannot be described are reported in [Info.Problem], and calls of
// such a module fail.
func NewAction[In, Out any](info Info, do func(ctx context.Context, call *Call, in In) (Out, error)) Action {
	return &action[In, Out]{typed: newTyped[In, Out](info, true), do: do}
}

// NewSearch makes a Search of a function that yields results; the types are those of [NewAction].
func NewSearch[In, Out any](
	info Info, search func(ctx context.Context, call *Call, in In) iter.Seq2[Out, error],
) Search {
	return &finder[In, Out]{typed: newTyped[In, Out](info, true), search: search}
}

// NewTrigger makes a Trigger of a function that yields new items, oldest first, and then, when next is called, the
// cursor from which the following poll goes on (see [Trigger]). The types are those of [NewAction], except that a
// trigger has no mapper: Info.Params is filled from all of In.
func NewTrigger[In, Out any](
	info Info,
	poll func(ctx context.Context, call *Call, in In) (items iter.Seq2[Out, error], next func() []byte),
) Trigger {
	return &trigger[In, Out]{typed: newTyped[In, Out](info, false), poll: poll}
}

// NewReceiver makes a Receiver of a function that turns a request into results; the types are those of [NewTrigger].
func NewReceiver[In, Out any](
	info Info, receive func(ctx context.Context, call *Call, in In, request *http.Request) ([]Out, error),
) Receiver {
	return &receiver[In, Out]{typed: newTyped[In, Out](info, false), receive: receive}
}

// NewAggregator makes an Aggregator of a function that consumes items. Params is filled from the parameters of the
// module, each item from one bundle; an item that cannot be converted ends the items with its error. The types are
// those of [NewAction]. Info.Params that is nil is filled from Params.
func NewAggregator[Params, In, Out any](
	info Info,
	aggregate func(ctx context.Context, call *Call, params Params, items iter.Seq2[In, error]) (Out, error),
) Aggregator {
	a := &aggregator[Params, In, Out]{typed: newTyped[In, Out](info, true), aggregate: aggregate}
	described, d := a.decoderOf(reflect.TypeFor[Params]())
	if info.Params == nil {
		a.info.Params = described
	}
	a.params = newFiller[Params](d)
	return a
}

// typed is what all typed modules have.
type typed[In, Out any] struct {
	info Info
	// described says that Info.Input is not that of In.
	described bool
	in        *filler[In]
	out       *encoder
	outs      *sync.Pool // of *result[Out]
}

func newTyped[In, Out any](info Info, mapper bool) typed[In, Out] {
	t := typed[In, Out]{info: info}
	described, d := t.decoderOf(reflect.TypeFor[In]())
	t.in = newFiller[In](d)
	params, fields := described, []Field(nil)
	if mapper {
		params, fields = splitParams(reflect.TypeFor[In](), described)
	}
	if t.info.Params == nil {
		t.info.Params = params
	}
	if t.described = t.info.Input != nil; !t.described {
		t.info.Input = fields
	}
	outputs, err := FieldsOf[Out]()
	if t.info.Output == nil {
		t.info.Output = outputs
	}
	t.info.addProblem(err)
	t.out = encoders{}.of(reflect.TypeFor[Out]())
	t.outs = &sync.Pool{New: func() any {
		work := &result[Out]{}
		work.from = reflect.ValueOf(&work.out).Elem()
		return work
	}}
	return t
}

// A result is on its way to being a bundle. Like a filling it lies in a pool.
type result[T any] struct {
	n    normalizer
	out  T
	from reflect.Value // of out
}

// decoderOf describes a type and compiles its decoder.
func (t *typed[In, Out]) decoderOf(of reflect.Type) ([]Field, *decoder) {
	described, err := fieldsOf(of)
	var d *decoder
	if err == nil {
		d, err = compileDecoder(of)
	}
	t.info.addProblem(err)
	return described, d
}

// Info describes the module.
func (t *typed[In, Out]) Info() Info { return t.info }

// A filler fills Ts. Many goroutines may use it: what reflection needs on the heap lies in a pool.
type filler[T any] struct {
	decoder *decoder
	spare   sync.Pool // of *filling[T]
}

// A filling is the work of one goroutine. What was filled in last stays until the next begins: at most for as long as the
// pool keeps it, which is two collections.
type filling[T any] struct {
	c    coercion
	into T
	dst  reflect.Value // of into
}

func newFiller[T any](d *decoder) *filler[T] {
	f := &filler[T]{decoder: d}
	f.spare.New = func() any {
		work := &filling[T]{}
		work.dst = reflect.ValueOf(&work.into).Elem()
		return work
	}
	return f
}

// begin takes a filling, in which nothing is filled in but what is given.
func (f *filler[T]) begin(zone *time.Location, given *T) *filling[T] {
	work := f.spare.Get().(*filling[T]) //nolint:forcetypeassert // the pool holds nothing else
	work.c.reset(zone)
	work.into = *given
	return work
}

// end returns what was filled in, and what is wrong with it.
func (work *filling[T]) end() (T, error) {
	if work.c.problems == nil {
		return work.into, nil
	}
	err := work.c.err()
	work.c.reset(work.c.zone)
	return work.into, err
}

// fill makes a T of params with input laid over them.
func (f *filler[T]) fill(zone *time.Location, params, input Bundle) (T, error) {
	var none T
	work := f.begin(zone, &none)
	f.decoder.into(&work.c, work.dst, params, input)
	made, err := work.end()
	f.spare.Put(work)
	return made, err
}

func (t *typed[In, Out]) input(call *Call) (In, error) {
	if t.info.Problem != nil {
		var none In
		return none, t.info.Problem
	}
	return t.in.fill(call.Location, call.Params, call.Input)
}

// bundle makes the bundle of a result.
func (t *typed[In, Out]) bundle(out Out) (Bundle, error) {
	if b, ok := any(out).(Bundle); ok {
		return b, nil
	}
	return t.encoded(out)
}

// encoded is bundle for what is none yet.
func (t *typed[In, Out]) encoded(out Out) (Bundle, error) {
	work := t.outs.Get().(*result[Out]) //nolint:forcetypeassert // the pool holds nothing else
	work.out, work.n.nodes = out, 0
	value, err := (*t.out)(&work.n, work.from, 0)
	t.outs.Put(work)
	if err != nil {
		return Bundle{}, Errorf(UnexpectedError, "the module's result: %w", err)
	}
	switch value := value.(type) {
	case nil:
		return Bundle{}, nil
	case Bundle:
		return value, nil
	}
	return Bundle{}, Errorf(UnexpectedError, "the module's result is a %s and no collection", typeName(value))
}

// bundles makes bundles of results as they come.
func (t *typed[In, Out]) bundles(results iter.Seq2[Out, error]) iter.Seq2[Bundle, error] {
	return func(yield func(Bundle, error) bool) {
		for out, err := range results {
			var b Bundle
			if err == nil {
				b, err = t.bundle(out)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

func failing[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

type action[In, Out any] struct {
	typed[In, Out]
	do func(context.Context, *Call, In) (Out, error)
}

// Do calls the function.
func (a *action[In, Out]) Do(ctx context.Context, call *Call) (Bundle, error) {
	in, err := a.input(call)
	if err != nil {
		return Bundle{}, err
	}
	out, err := a.do(ctx, call, in)
	if err != nil {
		return Bundle{}, err
	}
	return a.bundle(out)
}

// Bind binds the action, see [Binder].
func (a *action[In, Out]) Bind(params Bundle, names []string, known []Known) func(context.Context, *Call, []any) (Bundle, error) {
	if !a.info.Direct || a.described || a.info.Problem != nil {
		return nil
	}
	var prototype In
	sources, ok := a.in.decoder.bind(reflect.ValueOf(&prototype).Elem(), params, names, known)
	if !ok {
		return nil
	}
	return func(ctx context.Context, call *Call, values []any) (Bundle, error) {
		work := a.in.begin(call.Location, &prototype)
		for i := range sources {
			s := &sources[i]
			value := s.known
			if s.at >= 0 {
				value = values[s.at]
			}
			s.member.set(&work.c, work.dst, value)
		}
		in, err := work.end()
		a.in.spare.Put(work)
		if err != nil {
			return Bundle{}, err
		}
		out, err := a.do(ctx, call, in)
		if err != nil {
			return Bundle{}, err
		}
		return a.bundle(out)
	}
}

type finder[In, Out any] struct {
	typed[In, Out]
	search func(context.Context, *Call, In) iter.Seq2[Out, error]
}

// Search calls the function.
func (f *finder[In, Out]) Search(ctx context.Context, call *Call) iter.Seq2[Bundle, error] {
	in, err := f.input(call)
	if err != nil {
		return failing[Bundle](err)
	}
	return f.bundles(f.search(ctx, call, in))
}

type trigger[In, Out any] struct {
	typed[In, Out]
	poll func(context.Context, *Call, In) (iter.Seq2[Out, error], func() []byte)
}

// Poll calls the function.
func (t *trigger[In, Out]) Poll(ctx context.Context, call *Call) (iter.Seq2[Bundle, error], func() []byte) {
	in, err := t.input(call)
	if err != nil {
		cursor := call.Cursor
		return failing[Bundle](err), func() []byte { return cursor }
	}
	items, next := t.poll(ctx, call, in)
	return t.bundles(items), next
}

type receiver[In, Out any] struct {
	typed[In, Out]
	receive func(context.Context, *Call, In, *http.Request) ([]Out, error)
}

// Receive calls the function.
func (r *receiver[In, Out]) Receive(ctx context.Context, call *Call, request *http.Request) ([]Bundle, error) {
	in, err := r.input(call)
	if err != nil {
		return nil, err
	}
	results, err := r.receive(ctx, call, in, request)
	if err != nil {
		return nil, err
	}
	bundles := make([]Bundle, len(results))
	for i, out := range results {
		if bundles[i], err = r.bundle(out); err != nil {
			return nil, err
		}
	}
	return bundles, nil
}

type aggregator[Params, In, Out any] struct {
	typed[In, Out]
	params    *filler[Params]
	aggregate func(context.Context, *Call, Params, iter.Seq2[In, error]) (Out, error)
}

// Aggregate calls the function.
func (a *aggregator[Params, In, Out]) Aggregate(
	ctx context.Context, call *Call, bundles iter.Seq2[Bundle, error],
) (Bundle, error) {
	if a.info.Problem != nil {
		return Bundle{}, a.info.Problem
	}
	params, err := a.params.fill(call.Location, call.Params, Bundle{})
	if err != nil {
		return Bundle{}, err
	}
	items := func(yield func(In, error) bool) {
		var none In
		work := a.in.begin(call.Location, &none)
		defer a.in.spare.Put(work)
		for b, err := range bundles {
			var item In
			if err == nil {
				work.into = none
				a.in.decoder.into(&work.c, work.dst, Bundle{}, b)
				item, err = work.end()
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
	out, err := a.aggregate(ctx, call, params, items)
	if err != nil {
		return Bundle{}, err
	}
	return a.bundle(out)
}
