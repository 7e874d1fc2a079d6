package secret_test

import (
	"encoding/json"
	"fmt"

	"github.com/ebbkit/ebb/crypto/secret"
)

func ExampleNew() {
	password := []byte("hunter2") // read from a terminal, say
	v := secret.New(password)
	clear(password) // New has a copy of its own

	type connection struct {
		user     string
		password secret.Value
	}
	fmt.Println(v)
	fmt.Printf("%s %x %#v\n", v, v, v)
	fmt.Println(len(fmt.Sprintf("%+v", connection{"ada", v})) > 0)
	// Output:
	// [secret]
	// [secret] [secret] [secret]
	// true
}

func ExampleNewString() {
	token := secret.NewString("xoxb-1234")
	out, _ := json.Marshal(map[string]any{"service": "chat", "token": token})
	fmt.Println(string(out))
	// Output: {"service":"chat","token":"[secret]"}
}

func ExampleValue_Use() {
	key := secret.NewString("0123456789abcdef")
	err := key.Use(func(b []byte) {
		fmt.Println(len(b), "bytes") // make a cipher, write a header; keep nothing
	})
	fmt.Println(err)
	// Output:
	// 16 bytes
	// <nil>
}

func ExampleValue_Reveal() {
	token := secret.NewString("xoxb-1234")
	s, err := token.Reveal()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("Authorization: Bearer " + s[:4] + "…")
	// Output: Authorization: Bearer xoxb…
}

func ExampleValue_Destroy() {
	key := secret.NewString("0123456789abcdef")
	key.Destroy()
	fmt.Println(key.Use(func([]byte) {}))
	// Output: secret: destroyed
}

func ExampleValue_Equal() {
	sent, kept := secret.NewString("hunter2"), secret.NewString("hunter2")
	fmt.Println(sent.Equal(kept))
	// Output: true
}

func ExampleMask() {
	var mask secret.Mask
	mask.Add(secret.NewString("pass/word"))
	fmt.Println(mask.Text(`401 for GET /?key=pass%2Fword with "Authorization: Basic YWRhOnBhc3Mvd29yZA=="`))
	fmt.Println(mask.Error(fmt.Errorf("log in as ada with %q", "pass/word")))
	mask.Destroy()
	// Output:
	// 401 for GET /?key=*** with "Authorization: Basic YWRhO***=="
	// log in as ada with "***"
}
